"""A thread for each label, with a blocking socket."""

import asyncio
import gc
import logging
import os
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from uuid import uuid4

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

logger = logging.getLogger(__name__)
app = FastAPI()


class Order(BaseModel):
    label: str


class Label(Order):
    id: str
    status: str = "printing"


labels: dict[str, Label] = {}
threads = ThreadPoolExecutor(max_workers=16)


def print_label(label: Label) -> None:
    with socket.create_connection((os.environ["PRINTER_HOST"], int(os.environ["PRINTER_PORT"]))) as connection:
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
    label = Label(id=uuid4().hex, label=order.label)
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
