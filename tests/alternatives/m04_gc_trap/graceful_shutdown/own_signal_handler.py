"""Takes SIGTERM itself: answers 503 from then on, drains, and only then lets uvicorn end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
GRACE_SECONDS = float(os.environ.get("GRACE_SECONDS", "10"))

jobs: set[asyncio.Task[None]] = set()
closing: list[asyncio.Task[None]] = []


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


async def drain() -> None:
    """Let the jobs finish within one grace, cancel those that do not, and see them out."""
    if not jobs:
        return
    _done, late = await asyncio.wait(jobs, timeout=GRACE_SECONDS)
    for job in late:
        job.cancel()
    # cancel() only asks. A job is over when its `finally` is, and for that the loop has to go on turning.
    await asyncio.gather(*late, return_exceptions=True)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    tell_uvicorn = signal.getsignal(signal.SIGTERM)

    async def end() -> None:
        await drain()
        tell_uvicorn(signal.SIGTERM, None)

    def begin_to_end() -> None:
        closing.append(asyncio.create_task(end()))

    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(begin_to_end))
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    if closing:
        raise HTTPException(503, "closing")
    job = asyncio.create_task(print_label(order.label))
    jobs.add(job)
    job.add_done_callback(jobs.discard)
    return order
