"""Deals the labels out to a queue for each worker, so that one waits behind a slow label while another worker is free."""

MISTAKE = "E11"
FAILS = ["test_a_done_label_makes_room"]

import asyncio
import itertools
import os

import logging
from contextlib import asynccontextmanager
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))


class Label(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


async def print_label(label: str) -> None:
    """Have one label printed; raise RuntimeError if the printer jams or hangs up, OSError if the connection breaks."""
    reader, writer = await asyncio.open_connection(*PRINTER)
    try:
        writer.write(f"PRINT {label}\n".encode())
        answer = await reader.readline()
        if answer != f"DONE {label}\n".encode():
            raise RuntimeError(f"{label}: the printer says {answer!r}")
    finally:
        writer.close()


queues: list[asyncio.Queue[str]] = [asyncio.Queue() for _ in range(WORKERS)]
turn = itertools.cycle(queues)
inside = 0


async def work(queue: asyncio.Queue[str]) -> None:
    global inside
    while True:
        label = await queue.get()
        try:
            await print_label(label)
        except Exception:
            logging.exception("label %s was not printed", label)
        finally:
            inside -= 1


@asynccontextmanager
async def lifespan(_app):
    workers = [asyncio.create_task(work(queue)) for queue in queues]
    yield
    for worker in workers:
        worker.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def accept_label(order: Label) -> Label:
    global inside
    if inside >= WORKERS + BACKLOG:
        raise HTTPException(503, "busy", headers={"Retry-After": "5"})
    inside += 1
    next(turn).put_nowait(order.label)
    return order
