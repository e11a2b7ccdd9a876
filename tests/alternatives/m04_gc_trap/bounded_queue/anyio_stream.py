"""anyio: a memory stream is the backlog, a task group holds the workers, a guard for each label."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)


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


async def work(labels: MemoryObjectReceiveStream[str]) -> None:
    async for label in labels:
        try:
            await print_label(label)
        except Exception:
            logger.exception("label %s was not printed", label)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # An item that a worker already waits for is handed over; only the others fill the stream's buffer.
    app.state.backlog, labels = anyio.create_memory_object_stream[str](BACKLOG)
    async with anyio.create_task_group() as workers:
        for _ in range(WORKERS):
            workers.start_soon(work, labels)
        yield
        workers.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label, request: Request) -> Label:
    try:
        request.app.state.backlog.send_nowait(order.label)
    except anyio.WouldBlock:
        raise HTTPException(503, headers={"Retry-After": "2"}) from None
    return order
