"""Reports only the exception that it has read in the job."""

MISTAKE = "B4"
FAILS = ["test_failure_reaches_the_status"]

import asyncio
import gc
import logging
import os
from collections.abc import Coroutine

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
running: dict[str, asyncio.Task[None]] = {}


async def print_label(label: Label) -> None:
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label.label}\n".encode())
        if not (await reader.readline()).startswith(b"DONE"):
            raise RuntimeError("the printer did not print")
        label.status = "printed"
    finally:
        writer.close()


async def guard(job: Coroutine[None, None, None], label: Label) -> None:
    try:
        await job
    except RuntimeError:
        label.status = "failed"
        logger.exception("label %s was not printed", label.label)
    finally:
        del running[label.id]


def spawn(job: Coroutine[None, None, None], label: Label) -> None:
    running[label.id] = asyncio.create_task(guard(job, label))


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
