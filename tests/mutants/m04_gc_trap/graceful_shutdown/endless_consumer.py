"""Waits for a consumer that waits for ever for the next label."""

MISTAKE = "B5"
FAILS = ["test_the_process_ends_with_the_last_job"]

import asyncio
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
        await print_label(await labels.get())


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    consumers = [asyncio.create_task(consume()) for _ in range(16)]
    yield
    await asyncio.wait(consumers, timeout=GRACE_SECONDS)
    for consumer in consumers:
        consumer.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    labels.put_nowait(order.label)
    return order
