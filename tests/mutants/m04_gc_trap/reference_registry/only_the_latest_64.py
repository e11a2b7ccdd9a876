"""Keeps references to the latest 64 tasks only."""

MISTAKE = "B1"
FAILS = ["test_collection_loses_none_of_many"]

import asyncio
import gc
import logging
import os
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
logger = logging.getLogger(__name__)
app = FastAPI()


class Order(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


class Label(Order):
    id: str
    status: str = "printing"


labels: dict[str, Label] = {}
running: deque[asyncio.Task[None]] = deque(maxlen=64)  # so that it does not grow for ever


async def print_label(label: Label) -> None:
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label.label}\n".encode())
        if not (await reader.readline()).startswith(b"DONE"):
            raise RuntimeError("the printer did not print")
        label.status = "printed"
    finally:
        writer.close()


def spawn(job: Coroutine[None, None, None], label: Label) -> None:
    task = asyncio.create_task(job)
    running.append(task)

    def ended(task: asyncio.Task[None]) -> None:
        with suppress(ValueError):
            running.remove(task)
        # A cancelled task has no exception to ask for; asking all the same would raise CancelledError here.
        if not task.cancelled() and (error := task.exception()):
            label.status = "failed"
            logger.error("label %s was not printed", label.label, exc_info=error)

    task.add_done_callback(ended)


@app.post("/labels", status_code=202)
async def order(order: Order) -> dict[str, str]:
    label = Label(id=str(len(labels) + 1), label=order.label)
    labels[label.id] = label
    spawn(print_label(label), label)
    return {"id": label.id}


@app.get("/labels/{label_id}")
async def status(label_id: str) -> Label:
    if label_id not in labels:
        raise HTTPException(404)
    return labels[label_id]


@app.get("/stats")
async def stats() -> dict[str, int]:
    gc.collect()  # so that only what is really referred to is counted
    tasks = [thing for thing in gc.get_objects() if type(thing) is asyncio.Task]
    return {"finished_tasks": sum(task.done() for task in tasks)}
