"""Trusts a TaskGroup to supervise: the first failure cancels every sibling."""

MISTAKE = "B8"
FAILS = ["test_a_failing_label_stops_nothing"]

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)

# What waits, beside what the workers have in hand. (A maxsize of 0 would mean: no bound at all.)
backlog: asyncio.Queue[str] = asyncio.Queue(maxsize=BACKLOG)


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


async def work() -> None:
    """Print one label after the other."""
    while True:
        label = await backlog.get()
        await print_label(label)


async def work_together() -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    workers = asyncio.create_task(work_together())
    yield
    workers.cancel()
    await asyncio.gather(workers, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    try:
        backlog.put_nowait(order.label)  # put() would wait for room, and the visitor with it
    except asyncio.QueueFull:
        raise HTTPException(503, "the printer is busy", headers={"Retry-After": "5"}) from None
    return order
