"""A task group in the lifespan, and a cancel scope for each job instead of its task."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated

import anyio
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
RESULT_TTL = float(os.environ.get("RESULT_TTL_SECONDS", "3600"))
numbers = count(1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with anyio.create_task_group() as app.state.jobs:
        yield
        app.state.jobs.cancel_scope.cancel()


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
        self.scopes: dict[str, anyio.CancelScope] = {}

    def start(self, label: str) -> Job:
        for job_id in self.scopes:
            if self.jobs[job_id].label == label:
                self.cancel(job_id)
        job = Job(id=str(next(numbers)), label=label)
        self.jobs[job.id] = job
        self.scopes[job.id] = anyio.CancelScope()
        app.state.jobs.start_soon(self.run, job, self.scopes[job.id])
        return job

    def cancel(self, job_id: str) -> bool:
        if job_id in self.scopes:
            self.scopes[job_id].cancel()
        return job_id in self.scopes

    async def run(self, job: Job, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                await anyio.sleep(0)
                await print_label(job.label)
            job.status = "cancelled" if scope.cancelled_caught else "done"
        except Exception as error:
            job.status, job.error = "failed", str(error) or repr(error)
        del self.scopes[job.id]
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
