"""The crash and the timeout: an order is shipped and paid for once, whatever becomes of the worker.

POST /orders  {"amount": 1200}
    202 Accepted, {"id": "<string>", "state": "waiting"}
GET /orders/{id}
    200 {"id": "<string>", "state": "waiting"}, then "done" or "failed"; 404 for an id that nobody was given

An ARQ worker ships it, in two steps. It prints a label with the order's id, by print_label, the driver that came with
the printer: that blocks until the label is printed, and knows of no timeout. Then it charges the amount:
POST PAYMENTS_URL/charges {"order": "<id>", "amount": 1200}, which is answered 201. For the payment provider, requests
with the same body and the same header Idempotency-Key are one and the same charge. Make these true:

- An order is charged once, at whatever moment a worker dies. (A label may be printed twice; one is thrown away.)
- A worker is killed (kill -9) in the middle of a job. At most JOB_TIMEOUT_SECONDS and 15 seconds after the job was
  begun, any worker that runs by then ships the order.
- A worker is told to stop (SIGTERM) while the payment provider keeps it waiting. It ends within a second, and the next
  worker ships the order at once.
- A job that takes longer than JOB_TIMEOUT_SECONDS (it may be less than one) is given up, whichever step is stuck: the
  order is "failed", and no step of it is begun or tried again. A label that was sent to the printer may still come out.
- While one label waits for the printer, the worker gets on with other orders.

Redis is at REDIS_URL, the printer at PRINTER_HOST and PRINTER_PORT. Your part is ship and WorkerSettings. The grader
runs `arq` on this file and lets it look into the queue every hundredth of a second. Nothing else may dawdle: in a
quick world an effect follows its cause within a tenth of a second.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
JOB_TIMEOUT_SECONDS = float(os.environ.get("JOB_TIMEOUT_SECONDS", "60"))


class NewOrder(BaseModel):
    amount: int


class Order(BaseModel):
    id: str
    state: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.queue = await create_pool(REDIS)
    yield
    await app.state.queue.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=202)
async def place_order(new: NewOrder, request: Request) -> Order:
    order_id = token_hex(6)
    await request.app.state.queue.enqueue_job("ship", order_id, new.amount, _job_id=order_id)
    return Order(id=order_id, state="waiting")


@app.get("/orders/{order_id}")
async def read_order(order_id: str, request: Request) -> Order:
    job = Job(order_id, request.app.state.queue)
    if await job.status() is JobStatus.not_found:
        raise HTTPException(404)
    ended = await job.result_info()  # there is none as long as the job waits, runs, or is to run again
    state = "waiting" if ended is None else "done" if ended.success else "failed"
    return Order(id=order_id, state=state)


def print_label(label: str) -> None:
    """Print one label; return when it is printed."""
    with socket.create_connection((os.environ["PRINTER_HOST"], int(os.environ["PRINTER_PORT"]))) as printer:
        printer.sendall(f"PRINT {label}\n".encode())
        if not printer.makefile().readline().startswith("DONE"):
            raise OSError(f"label {label} was not printed")


async def ship(_ctx: dict[str, Any], order_id: str, amount: int) -> None:
    # In a thread: a timeout can break off what awaits, and nothing else.
    await asyncio.to_thread(print_label, order_id)
    async with httpx.AsyncClient(base_url=os.environ["PAYMENTS_URL"], timeout=60) as payments:
        # The key is the order's, not the attempt's: every run of this job asks for the same charge.
        headers = {"Idempotency-Key": order_id}
        answer = await payments.post("/charges", json={"order": order_id, "amount": amount}, headers=headers)
        if not answer.is_success:  # not raise_for_status: httpx's own error could not be read back out of the result
            raise RuntimeError(f"the charge was answered {answer.status_code}")


class WorkerSettings:
    functions = (ship,)
    redis_settings = REDIS
    # How long a job may take; and ten seconds later it is certain that the worker which took it has died.
    job_timeout = JOB_TIMEOUT_SECONDS
