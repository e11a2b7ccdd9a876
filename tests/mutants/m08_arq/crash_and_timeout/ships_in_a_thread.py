"""Does both steps in a thread, which nothing can break off: it goes on to charge what was given up."""

MISTAKE = "F4"
FAILS = ["test_stopped_worker_hands_its_job_on", "test_stuck_printer_ends_in_time"]


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


def ship_now(order_id: str, amount: int) -> None:
    """Print the label, then charge the amount."""
    print_label(order_id)
    with httpx.Client(base_url=os.environ["PAYMENTS_URL"], timeout=60) as payments:
        body, headers = {"order": order_id, "amount": amount}, {"Idempotency-Key": order_id}
        payments.post("/charges", json=body, headers=headers).raise_for_status()


async def ship(_ctx: dict[str, Any], order_id: str, amount: int) -> None:
    await asyncio.to_thread(ship_now, order_id, amount)


class WorkerSettings:
    functions = (ship,)
    redis_settings = REDIS
    # How long a job may take; and ten seconds later it is certain that the worker which took it has died.
    job_timeout = JOB_TIMEOUT_SECONDS
