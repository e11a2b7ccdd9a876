"""One dispatcher and a deque: it starts a job whenever a slot is free, and is woken by accept and by done."""

import asyncio
import logging
import os
from collections import deque

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)

waiting: deque[str] = deque()
running: set[asyncio.Task[None]] = set()


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


def dispatch() -> None:
    """Start jobs as long as there is a label and a free place in the printer."""
    while waiting and len(running) < WORKERS:
        job = asyncio.create_task(print_label(waiting.popleft()))
        running.add(job)
        job.add_done_callback(done)


def done(job: asyncio.Task[None]) -> None:
    running.discard(job)
    if not job.cancelled() and job.exception():
        logger.error("a label was not printed", exc_info=job.exception())
    dispatch()


app = FastAPI()


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    if len(waiting) >= BACKLOG:
        raise HTTPException(503, headers={"Retry-After": "3"})
    waiting.append(order.label)
    dispatch()
    return order
