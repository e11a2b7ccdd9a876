"""Gives the slot back only when the label was printed."""

MISTAKE = "A6"
FAILS = ["test_a_failing_label_stops_nothing"]

import asyncio
import logging
import os

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)

slots = asyncio.Semaphore(WORKERS)
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


async def run(label: str) -> None:
    """Print one label when a slot is free."""
    try:
        await slots.acquire()
        await print_label(label)
        slots.release()
    except Exception:
        logger.exception("label %s was not printed", label)


app = FastAPI()


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    if len(jobs) >= WORKERS + BACKLOG:
        raise HTTPException(503, "the printer is busy", headers={"Retry-After": "5"})
    job = asyncio.create_task(run(order.label))
    jobs.add(job)
    job.add_done_callback(jobs.discard)
    return order
