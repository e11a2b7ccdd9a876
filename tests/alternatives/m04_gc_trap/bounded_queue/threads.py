"""Threads: def workers with plain sockets on a bounded queue.Queue."""

import logging
import os
import queue
import socket
import threading

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

PRINTER = (os.environ.get("PRINTER_HOST", "127.0.0.1"), int(os.environ.get("PRINTER_PORT", "9100")))
WORKERS = int(os.environ.get("WORKERS", "4"))
BACKLOG = int(os.environ.get("BACKLOG", "100"))

logger = logging.getLogger(__name__)
backlog: queue.Queue[str] = queue.Queue(maxsize=BACKLOG)


class Label(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


def work() -> None:
    while True:
        label = backlog.get()
        try:
            print_label(label)
        except Exception:
            logger.exception("label %s was not printed", label)


def print_label(label: str) -> None:
    with socket.create_connection(PRINTER) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"PRINT {label}\n".encode())
        answer = answers.readline()
        if answer != f"DONE {label}\n".encode():
            raise RuntimeError(f"{label}: the printer says {answer!r}")


for _ in range(WORKERS):
    threading.Thread(target=work, daemon=True).start()

app = FastAPI()


@app.post("/labels", status_code=202)
def accept_label(order: Label) -> Label:
    try:
        backlog.put_nowait(order.label)
    except queue.Full:
        raise HTTPException(503, headers={"Retry-After": "10"}) from None
    return order
