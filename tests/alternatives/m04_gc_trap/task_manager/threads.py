"""A thread and a blocking socket for each job; who cancels sends the word and hangs up."""

import os
import contextlib
import socket
import threading
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


class Printing:
    def __init__(self, label: str) -> None:
        self.label = label
        self.lock = threading.Lock()
        self.connection: socket.socket | None = None
        self.cancelled = False

    def run(self) -> None:
        with socket.create_connection(PRINTER) as connection:
            with self.lock:
                if self.cancelled:
                    return
                self.connection = connection
                connection.sendall(f"PRINT {self.label}\n".encode())
            answer = connection.makefile("rb").readline()
            with self.lock:
                self.connection = None
            if not self.cancelled and not answer.startswith(b"DONE"):
                raise RuntimeError("the printer did not print the label")

    def cancel(self) -> None:
        with self.lock:
            self.cancelled = True
            if self.connection:
                self.connection.sendall(f"CANCEL {self.label}\n".encode())
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RD)


class TaskManager:
    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.work: dict[str, Printing] = {}

    def start(self, label: str) -> Job:
        for job_id in list(self.work):
            if self.jobs[job_id].label == label:
                self.cancel(job_id)
        job = Job(id=str(next(numbers)), label=label)
        self.jobs[job.id] = job
        self.work[job.id] = Printing(label)
        threading.Thread(target=self.run, args=(job, self.work[job.id]), daemon=True).start()
        return job

    def cancel(self, job_id: str) -> bool:
        printing = self.work.get(job_id)
        if printing:
            printing.cancel()
        return printing is not None

    def run(self, job: Job, printing: Printing) -> None:
        try:
            printing.run()
            job.status = "cancelled" if printing.cancelled else "done"
        except Exception as error:
            job.status, job.error = "failed", str(error) or repr(error)
        del self.work[job.id]
        timer = threading.Timer(RESULT_TTL, partial(self.jobs.pop, job.id))
        timer.daemon = True
        timer.start()


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
