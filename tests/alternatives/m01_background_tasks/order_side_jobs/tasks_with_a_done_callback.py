"""One asyncio task per job, held by a set; a callback asks each for its exception."""

import asyncio
import os
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import aiosmtplib
import httpx
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

app = FastAPI()
partners = httpx.AsyncClient()  # one for all calls: a client is dear to make and cheap to keep


class Order(BaseModel):
    email: EmailStr
    item: str
    quantity: int


jobs_of: dict[str, dict[str, str]] = {}


async def confirm(order_id: str, order: Order) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", order.email, f"Your order {order_id}"
    message.set_content(f"Thank you! {order.quantity} x {order.item}")
    await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def tell(url: str, order_id: str, order: Order) -> None:
    reply = await partners.post(url, json={"order": order_id, "item": order.item, "quantity": order.quantity})
    reply.raise_for_status()


async def reserve(order_id: str, order: Order) -> None:
    await tell(f"{os.environ['STOCK_URL']}/reservations", order_id, order)


async def ship(order_id: str, order: Order) -> None:
    await tell(f"{os.environ['WAREHOUSE_URL']}/shipments", order_id, order)


JOBS = {"confirmation": confirm, "stock": reserve, "warehouse": ship}


running: set[asyncio.Task[None]] = set()


def spawn(job: str, order_id: str, order: Order) -> None:
    def finished(task: asyncio.Task[None]) -> None:
        running.discard(task)
        error = task.exception()
        jobs_of[order_id][job] = "done" if error is None else "failed"
        if error is not None:
            print(f"ERROR order={order_id} job={job} {error!r}")

    task = asyncio.create_task(JOBS[job](order_id, order))
    running.add(task)
    task.add_done_callback(finished)


@app.post("/orders", status_code=202)
async def place(order: Order, response: Response) -> dict[str, str]:
    order_id = uuid4().hex
    jobs_of[order_id] = dict.fromkeys(JOBS, "pending")
    for job in JOBS:
        spawn(job, order_id, order)
    response.headers["Location"] = f"/orders/{order_id}"
    return {"id": order_id}


@app.get("/orders/{order_id}")
async def read(order_id: str) -> dict[str, Any]:
    if order_id not in jobs_of:
        raise HTTPException(404)
    return {"id": order_id, "jobs": jobs_of[order_id]}
