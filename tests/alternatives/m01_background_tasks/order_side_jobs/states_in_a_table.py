"""The states live in an SQLite table; a decorator guards each job; every call has a client of its own."""

import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import aiosmtplib
import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

app = FastAPI()
logger = logging.getLogger("orders")


class Order(BaseModel):
    email: EmailStr
    item: str
    quantity: int


def table() -> sqlite3.Connection:
    database = sqlite3.connect(os.path.join(os.environ["DATA_DIR"], "jobs.db"), isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT, job TEXT, state TEXT, PRIMARY KEY (id, job))")
    return database


def record(order_id: str, job: str, state: str) -> None:
    with closing(table()) as database:
        database.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", (order_id, job, state))


JOBS: dict[str, Callable[[str, "Order"], Awaitable[None]]] = {}


def side_job(name: str) -> Callable[[Callable[[str, Order], Awaitable[None]]], Callable[[str, Order], Awaitable[None]]]:
    def register(job: Callable[[str, Order], Awaitable[None]]) -> Callable[[str, Order], Awaitable[None]]:
        async def guarded(order_id: str, order: Order) -> None:
            try:
                await job(order_id, order)
            except Exception:
                logger.exception("order %s: %s failed", order_id, name)
                record(order_id, name, "failed")
            else:
                record(order_id, name, "done")

        JOBS[name] = guarded
        return guarded

    return register


@side_job("confirmation")
async def confirm(order_id: str, order: Order) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", order.email, f"Your order {order_id}"
    message.set_content(f"Thank you! {order.quantity} x {order.item}")
    await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def tell(url: str, order_id: str, order: Order) -> None:
    async with httpx.AsyncClient() as partner:
        reply = await partner.post(url, json={"order": order_id, "item": order.item, "quantity": order.quantity})
    reply.raise_for_status()


@side_job("stock")
async def reserve(order_id: str, order: Order) -> None:
    await tell(f"{os.environ['STOCK_URL']}/reservations", order_id, order)


@side_job("warehouse")
async def ship(order_id: str, order: Order) -> None:
    await tell(f"{os.environ['WAREHOUSE_URL']}/shipments", order_id, order)


@app.post("/orders", status_code=202)
async def place(order: Order, background: BackgroundTasks, response: Response) -> dict[str, str]:
    order_id = uuid4().hex
    for name, job in JOBS.items():
        record(order_id, name, "pending")
        background.add_task(job, order_id, order)
    response.headers["Location"] = f"/orders/{order_id}"
    return {"id": order_id}


@app.get("/orders/{order_id}")
async def read(order_id: str) -> dict[str, Any]:
    with closing(table()) as database:
        jobs = dict(database.execute("SELECT job, state FROM jobs WHERE id = ?", (order_id,)).fetchall())
    if not jobs:
        raise HTTPException(404)
    return {"id": order_id, "jobs": jobs}
