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


class Label(BaseModel):
    label: str = Field(pattern="^[A-Za-z0-9-]{1,40}$")


class Shop:
    """Counts what is accepted and not done yet, under a lock: the workers are threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accepted = 0
        self.labels: queue.SimpleQueue[str] = queue.SimpleQueue()
        for _ in range(WORKERS):
            threading.Thread(target=self.work, daemon=True).start()

    def accept(self, label: str) -> bool:
        with self.lock:
            if self.accepted == WORKERS + BACKLOG:
                return False
            self.accepted += 1
        self.labels.put(label)
        return True

    def work(self) -> None:
        while True:
            label = self.labels.get()
            try:
                print_label(label)
            except Exception:
                logger.exception("label %s was not printed", label)
            finally:
                with self.lock:
                    self.accepted -= 1


def print_label(label: str) -> None:
    with socket.create_connection(PRINTER) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"PRINT {label}\n".encode())
        answer = answers.readline()
        if answer != f"DONE {label}\n".encode():
            raise RuntimeError(f"{label}: the printer says {answer!r}")


shop = Shop()
app = FastAPI()


@app.post("/labels", status_code=202)
def accept_label(order: Label) -> Label:
    if not shop.accept(order.label):
        raise HTTPException(503, headers={"Retry-After": "10"})
    return order
