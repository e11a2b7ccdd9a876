"""A thread for each label, with a blocking socket."""

import asyncio
import gc
import logging
import os
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

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
threads = ThreadPoolExecutor(max_workers=16)


def print_label(label: Label) -> None:
    with socket.create_connection(PRINTER) as connection:
        connection.sendall(f"PRINT {label.label}\n".encode())
        if not connection.makefile("rb").readline().startswith(b"DONE"):
            raise RuntimeError("the printer did not print")
        label.status = "printed"


def ended(label: Label, job: Future[None]) -> None:
    if error := job.exception():
        label.status = "failed"
        logger.error("label %s was not printed", label.label, exc_info=error)


def spawn(label: Label) -> None:
    threads.submit(print_label, label).add_done_callback(partial(ended, label))


@app.post("/labels", status_code=202)
async def order(order: Order) -> dict[str, str]:
    label = Label(id=str(len(labels) + 1), label=order.label)
    labels[label.id] = label
    spawn(label)
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
