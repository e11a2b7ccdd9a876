"""The cancelling side writes the state down, late endings do not overwrite it, and a sweeper forgets."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
RESULT_TTL = float(os.environ.get("RESULT_TTL_SECONDS", "3600"))
numbers = count(1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    sweeper = asyncio.create_task(manager.sweep())
    yield
    sweeper.cancel()


app = FastAPI(lifespan=lifespan)


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
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, float] = {}

    def start(self, label: str) -> Job:
        for job in self.jobs.values():
            if job.label == label:
                self.cancel(job.id)
        job = Job(id=str(next(numbers)), label=label)
        self.jobs[job.id] = job
        self.tasks[job.id] = asyncio.create_task(self.run(job))
        return job

    def end(self, job: Job, status: str, error: str | None = None) -> None:
        if job.status == "running":
            job.status, job.error = status, error
            self.ends[job.id] = time.monotonic()

    def cancel(self, job_id: str) -> bool:
        job = self.jobs[job_id]
        if job.status != "running":
            return False
        self.end(job, "cancelled")
        self.tasks[job_id].cancel()
        return True

    async def run(self, job: Job) -> None:
        try:
            await print_label(job.label)
            self.end(job, "done")
        except Exception as error:
            self.end(job, "failed", str(error) or repr(error))

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            for job_id in [job_id for job_id, end in self.ends.items() if end + RESULT_TTL < now]:
                del self.jobs[job_id], self.tasks[job_id], self.ends[job_id]


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
