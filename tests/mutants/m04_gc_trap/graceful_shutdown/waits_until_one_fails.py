"""Waits with a gather, which ends with the first job that fails."""

MISTAKE = "B13"
FAILS = ["test_a_failing_job_takes_no_other_with_it"]

import asyncio
import logging
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
    try:
        await asyncio.wait_for(asyncio.gather(*jobs), GRACE_SECONDS)
    except TimeoutError:
        pass  # wait_for has cancelled the jobs and seen them out
    except Exception:
        logging.exception("a label was not printed")


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
