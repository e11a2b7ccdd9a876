"""Keeps the task with the job and asks it for its state whenever somebody asks; expiry is checked then, too."""

import asyncio
import os
import time
from dataclasses import dataclass
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


@dataclass
class Entry:
    label: str
    task: asyncio.Task[None]
    ended: float | None = None

    def job(self, job_id: str) -> Job:
        job = Job(id=job_id, label=self.label)
        if self.task.cancelled():
            job.status = "cancelled"
        elif self.task.done() and (error := self.task.exception()):
            job.status, job.error = "failed", str(error) or repr(error)
        elif self.task.done():
            job.status = "done"
        return job


class TaskManager:
    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def start(self, label: str) -> str:
        for entry in self.entries.values():
            if entry.label == label:
                entry.task.cancel()
        job_id = str(next(numbers))
        entry = Entry(label, asyncio.create_task(print_label(label)))
        entry.task.add_done_callback(lambda _: setattr(entry, "ended", time.monotonic()))
        self.entries[job_id] = entry
        return job_id

    def find(self, job_id: str) -> Entry:
        now = time.monotonic()
        for other, entry in list(self.entries.items()):
            if entry.ended is not None and now - entry.ended > RESULT_TTL:
                del self.entries[other]
        if job_id not in self.entries:
            raise HTTPException(404)
        return self.entries[job_id]


manager = TaskManager()


@app.post("/jobs", status_code=202)
async def start(order: Order) -> dict[str, list[str]]:
    return {"ids": [manager.start(label) for label in order.labels]}


@app.get("/jobs/{job_id}")
async def status(job_id: str) -> Job:
    return manager.find(job_id).job(job_id)


@app.delete("/jobs/{job_id}", status_code=202)
async def cancel(job_id: str) -> None:
    if not manager.find(job_id).task.cancel():
        raise HTTPException(409)
