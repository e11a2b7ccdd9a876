"""The task manager: jobs that can be asked after, cancelled, and forgotten in time.

    uvicorn exercises.m04_gc_trap.task_manager:app

A shop prints parcel labels on a network printer, one job for each label. People change their minds: a job
can be cancelled, and a label that is ordered anew replaces the one still in work.

    POST   /jobs {"labels": ["A-17", "B-2"]}  202 {"ids": ["1", "2"]}: a job for each label, in that order,
                                              without waiting for the printer
    GET    /jobs/{id}  200 {"id": "1", "label": "A-17", "status": "running", "error": null}, or 404
    DELETE /jobs/{id}  202: a job in work is asked to stop; 409: it has ended already; 404

Your part is `print_label` and `TaskManager`; the rest is given, though you may change it.
1. A job reads "running" until it ends as "done", "failed" or "cancelled". An end is final.
2. A failed job's `error` is a text that says why, not an empty one; in every other state it is null.
3. A cancelled job stops and reads "cancelled". If it has sent the printer `PRINT A-17`, it also sends `CANCEL A-17`.
4. A label is in work only once: starting a job cancels the one still in work for the same label. They may
   come in one request, ["A-17", "A-17"]; then the first is cancelled before it has made its first step.
5. RESULT_TTL_SECONDS after its end a job is forgotten: 404. A job in work is not, however long it takes.
Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick. Only
forgetting may come up to half a second late.

The printer takes one label a connection: it is sent the line `PRINT A-17` and answers with the line `DONE A-17`,
or with `JAM A-17` when it could not print, or it hangs up without a word. Until it has answered, and not
afterwards, it may be sent `CANCEL A-17` on the same connection.

Environment: PRINTER_HOST, PRINTER_PORT, RESULT_TTL_SECONDS (seconds, fractions too; 3600 unless set).
"""

import asyncio
import os
from functools import partial
from itertools import count
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
RESULT_TTL = float(os.environ.get("RESULT_TTL_SECONDS", "3600"))
numbers = count(1)
app = FastAPI()


class Order(BaseModel):
    labels: list[Annotated[str, Field(pattern="^[A-Za-z0-9-]{1,40}$")]]


class Job(BaseModel):
    id: str
    label: str
    status: str = "running"
    error: str | None = None


async def print_label(label: str) -> None:
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label}\n".encode())
        if not (await reader.readline()).startswith(b"DONE"):
            raise RuntimeError("the printer did not print the label")
    except asyncio.CancelledError:
        writer.write(f"CANCEL {label}\n".encode())
        raise  # swallowed, the cancellation would look like success
    finally:
        writer.close()


class TaskManager:
    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}  # of the jobs in work

    def start(self, label: str) -> Job:
        for job_id in self.tasks:
            if self.jobs[job_id].label == label:
                self.cancel(job_id)
        job = Job(id=str(next(numbers)), label=label)
        self.jobs[job.id] = job
        self.tasks[job.id] = task = asyncio.create_task(print_label(label))
        task.add_done_callback(partial(self.ended, job))
        return job

    def cancel(self, job_id: str) -> bool:
        return job_id in self.tasks and self.tasks[job_id].cancel()

    def ended(self, job: Job, task: asyncio.Task[None]) -> None:
        """Record the end: every end passes here, even that of a task which never made its first step."""
        del self.tasks[job.id]
        if task.cancelled():
            job.status = "cancelled"
        elif error := task.exception():
            job.status, job.error = "failed", str(error) or repr(error)
        else:
            job.status = "done"
        asyncio.get_running_loop().call_later(RESULT_TTL, self.jobs.pop, job.id)


manager = TaskManager()


@app.post("/jobs", status_code=202)
async def start(order: Order) -> dict[str, list[str]]:
    return {"ids": [manager.start(label).id for label in order.labels]}


@app.get("/jobs/{job_id}")
async def status(job_id: str) -> Job:
    if job_id not in manager.jobs:
        raise HTTPException(404)
    return manager.jobs[job_id]


@app.delete("/jobs/{job_id}", status_code=202)
async def cancel(job_id: str) -> None:
    if job_id not in manager.jobs:
        raise HTTPException(404)
    if not manager.cancel(job_id):
        raise HTTPException(409)
