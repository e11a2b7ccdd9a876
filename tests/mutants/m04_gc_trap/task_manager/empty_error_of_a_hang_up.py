"""Takes the text of the exception for the reason, though one of the exceptions has none."""

MISTAKE = "fact 23"
FAILS = ["test_error_is_told"]

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
        answer = await reader.readline()
        if not answer:
            raise ConnectionAbortedError
        if not answer.startswith(b"DONE"):
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
            job.status, job.error = "failed", str(error)
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
