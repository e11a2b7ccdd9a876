"""anyio: a task group for the jobs, and a deadline on its scope when the end has begun."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
GRACE_SECONDS = float(os.environ.get("GRACE_SECONDS", "10"))


class Label(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


async def print_label(label: str) -> None:
    """Have one label printed; a job that is stopped half-way takes its label out of the printer again."""
    reader, writer = await asyncio.open_connection(*PRINTER)
    printed = False
    try:
        writer.write(f"PRINT {label}\n".encode())
        printed = await reader.readline() == f"DONE {label}\n".encode()
    finally:
        if not printed:
            with anyio.CancelScope(shield=True):  # in a cancelled scope every await is cancelled, clean-up too
                await asyncio.sleep(0.01)
            writer.write(f"CANCEL {label}\n".encode())
        writer.close()


async def guarded(label: str) -> None:
    try:
        await print_label(label)
    except Exception:
        logging.exception("label %s was not printed", label)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with anyio.create_task_group() as app.state.group:
        yield
        app.state.group.cancel_scope.deadline = anyio.current_time() + GRACE_SECONDS


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    app.state.group.start_soon(guarded, order.label)
    return order
