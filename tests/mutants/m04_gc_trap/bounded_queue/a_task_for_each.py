"""Starts a task for every label at once; nothing is bounded."""

MISTAKE = "B10"
FAILS = ["test_as_many_at_once_as_workers"]

import asyncio
import logging
import os

from fastapi import FastAPI
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)

jobs: set[asyncio.Task[None]] = set()


class Label(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


async def print_label(label: str) -> None:
    """Have one label printed; raise RuntimeError if the printer jams or hangs up, OSError if the connection breaks."""
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label}\n".encode())
        answer = await reader.readline()
        if answer != f"DONE {label}\n".encode():
            raise RuntimeError(f"{label}: the printer says {answer!r}")
    finally:
        writer.close()


app = FastAPI()


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    job = asyncio.create_task(print_label(order.label))
    jobs.add(job)
    job.add_done_callback(jobs.discard)
    return order
