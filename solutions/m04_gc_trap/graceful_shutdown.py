"""The graceful shutdown: a deploy finishes what was accepted, within a grace.

    uvicorn exercises.m04_gc_trap.graceful_shutdown:app

A shop prints labels. POST /labels {"label": "A-1"} is answered at once with 202 and {"label": "A-1"}; a job of its
own then has the label printed, side by side with the others, be they ten or more. All this works. But SIGTERM, which
is how every deploy begins, kills the jobs where they stand. Make the service end well. After SIGTERM:

- No label is accepted any more: a POST gets no answer (uvicorn shuts its door by itself) or 503.
- The jobs have GRACE_SECONDS, one grace for all of them together, to finish. Whether it counts from the signal or
  from the lifespan's shutdown (0.2 s later at most) is up to you. A job that fails, as it does when its connection
  breaks, takes no other with it.
- When the last job is done, the process ends, however much of the grace is left.
- When the grace is over first, all jobs that are left are cancelled, and their `finally` runs to its end: each
  takes its label out of the printer (`print_label` does that already). Then the process ends.

Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick.

Environment: PRINTER_HOST, PRINTER_PORT, GRACE_SECONDS (seconds, fractions too; 10 unless set).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
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
    yield
    # uvicorn has shut its door and answered what was open: from here on no request can start another job.
    await drain()


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    job = asyncio.create_task(print_label(order.label))
    jobs.add(job)
    job.add_done_callback(jobs.discard)
    return order
