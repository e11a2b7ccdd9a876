"""BackgroundTasks, for which uvicorn waits by itself; the application only adds the end of the grace."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
GRACE_SECONDS = float(os.environ.get("GRACE_SECONDS", "10"))

jobs: set[asyncio.Task[None]] = set()


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


async def run(label: str) -> None:
    """Print in a task of its own, so that it can be cancelled and nothing else is."""
    job = asyncio.create_task(print_label(label))
    jobs.add(job)
    job.add_done_callback(jobs.discard)
    await asyncio.wait([job])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    tell_uvicorn = signal.getsignal(signal.SIGTERM)

    def begin_to_end() -> None:
        loop.call_later(GRACE_SECONDS, lambda: [job.cancel() for job in jobs])

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(begin_to_end)
        tell_uvicorn(number, frame)

    signal.signal(signal.SIGTERM, on_sigterm)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label, tasks: BackgroundTasks) -> Label:
    tasks.add_task(run, order.label)
    return order
