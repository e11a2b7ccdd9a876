"""A queue with consumers in the lifespan: join within the grace, then cancel the consumers."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
GRACE_SECONDS = float(os.environ.get("GRACE_SECONDS", "10"))

labels: asyncio.Queue[str] = asyncio.Queue()


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
            await asyncio.sleep(0.01)  # the printer wants a pause between two lines
            writer.write(f"CANCEL {label}\n".encode())
        writer.close()


async def consume() -> None:
    while True:
        label = await labels.get()
        try:
            await print_label(label)
        except Exception:
            logging.exception("label %s was not printed", label)
        finally:
            labels.task_done()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    consumers = [asyncio.create_task(consume()) for _ in range(16)]
    yield
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(labels.join(), GRACE_SECONDS)
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    labels.put_nowait(order.label)
    return order
