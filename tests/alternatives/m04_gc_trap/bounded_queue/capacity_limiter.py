"""anyio: a CapacityLimiter for the slots, a counted place and a job for each label, all in one task group."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
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


async def run(label: str, limiter: anyio.CapacityLimiter) -> None:
    try:
        async with limiter:
            await print_label(label)
    except Exception:
        logger.exception("label %s was not printed", label)
    finally:
        app.state.accepted -= 1


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.limiter, app.state.accepted = anyio.CapacityLimiter(WORKERS), 0
    async with anyio.create_task_group() as app.state.jobs:
        yield
        app.state.jobs.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label, request: Request) -> Label:
    state = request.app.state
    if state.accepted >= WORKERS + BACKLOG:  # the limiter's statistics know nothing of a job before its first step
        raise HTTPException(503, headers={"Retry-After": "2"})
    state.accepted += 1
    state.jobs.start_soon(run, order.label, state.limiter)
    return order
