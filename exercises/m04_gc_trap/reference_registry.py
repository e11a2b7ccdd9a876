"""The reference registry: a task of its own for every label, and none is lost.

    uvicorn exercises.m04_gc_trap.reference_registry:app

A shop orders parcel labels here, and a label printer on the network prints them. Printing is slow, so
every order is answered at once and its label is printed by an asyncio task.

    POST /labels {"label": "A-17"}   202 {"id": "1"}, without waiting for the printer
    GET  /labels/{id}                200 {"id": "1", "label": "A-17", "status": "printing"}; 404 for an unknown id
                                     the status ends as "printed" or "failed"
    GET  /stats                      200 {"finished_tasks": 0}, see below

Your part is `spawn`; the rest is given, though you may change it.
1. A garbage collection in the middle of a job loses no label, however many are in work at once, and
   though the same label be ordered twice.
2. A task that is over is let go: when all labels are through, `finished_tasks` is 0. `GET /stats` counts,
   without asking your code, the finished asyncio tasks that something in this process still refers to.
3. A job that raises, because the printer jams or the connection breaks, is reported there and then: its
   label's status becomes "failed", and a line that names the label ("A-17", not only the id) appears in
   the log, on stdout or stderr.
Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick.

The printer takes one label a connection: it is sent the line `PRINT A-17` and answers with the line `DONE A-17`,
or with `JAM A-17` when it could not print.

Environment: PRINTER_HOST, PRINTER_PORT.
"""

import asyncio
import gc
import os
from collections.abc import Coroutine

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
app = FastAPI()


class Order(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


class Label(Order):
    id: str
    status: str = "printing"


labels: dict[str, Label] = {}


async def print_label(label: Label) -> None:
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label.label}\n".encode())
        if not (await reader.readline()).startswith(b"DONE"):
            raise RuntimeError("the printer did not print")
        label.status = "printed"
    finally:
        writer.close()


def spawn(job: Coroutine[None, None, None], label: Label) -> None:  # noqa: ARG001 - until you use it
    # Your part: hold on to the task, let go of it, and hear what became of it.
    asyncio.create_task(job)  # noqa: RUF006 - the linter has seen the first of the three


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
