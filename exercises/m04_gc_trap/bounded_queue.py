"""The bounded queue: so many at once, so many waiting, and no one more.

    uvicorn exercises.m04_gc_trap.bounded_queue:app

A shop prints labels. POST /labels {"label": "A-1"} is answered at once with 202 and {"label": "A-1"}; the label is
printed in the background. That works, until a busy day: every label has a job of its own, so the printer has to
deal with all of them at once, and there is no end to how many wait. Set both limits:

- WORKERS labels are in the printer at once: never more, and as many as that when there are enough.
- Besides those, at most BACKLOG accepted labels wait for their turn.
- When WORKERS are in the printer and BACKLOG wait, the next POST is refused at once with 503 and a Retry-After
  header: whole seconds, at least 1. A refused label is never printed; an accepted one is. (Labels that come in the
  same instant may count as waiting until a worker has had its turn.)
- As soon as a label is done, its place is free for the next.
- A label that fails (the printer answers JAM or hangs up, or the connection breaks, and `print_label` raises) is
  lost, but it stops no other, and its place is free again.

Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick.

Environment: PRINTER_HOST, PRINTER_PORT, WORKERS (at least 1; 4 unless set), BACKLOG (at least 1; 100 unless set).
"""

import asyncio
import os

from fastapi import BackgroundTasks, FastAPI
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


app = FastAPI()


@app.post("/labels", status_code=202)
async def accept_label(order: Label, tasks: BackgroundTasks) -> Label:
    # Your part: so many at once, so many waiting. This is one job for each label, without end.
    tasks.add_task(print_label, order.label)
    return order
