"""Does each job twice, to be on the safe side."""

MISTAKE = "A2"
FAILS = ["test_side_jobs_are_carried_out"]

import logging
import os
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import aiosmtplib
import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr

app = FastAPI()
logger = logging.getLogger("orders")
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


async def run(job: str, order_id: str, order: Order) -> None:
    # The customer is gone and nobody listens above this function: what it does not keep is never heard of again.
    try:
        await JOBS[job](order_id, order)
        await JOBS[job](order_id, order)
        jobs_of[order_id][job] = "done"
    except Exception:
        jobs_of[order_id][job] = "failed"
        logger.exception("order %s: %s failed", order_id, job)


@app.post("/orders", status_code=202)
async def place(order: Order, background: BackgroundTasks, response: Response) -> dict[str, str]:
    order_id = uuid4().hex
    jobs_of[order_id] = dict.fromkeys(JOBS, "pending")
    for job in JOBS:
        background.add_task(run, job, order_id, order)
    response.headers["Location"] = f"/orders/{order_id}"
    return {"id": order_id}


@app.get("/orders/{order_id}")
async def read(order_id: str) -> dict[str, Any]:
    if order_id not in jobs_of:
        raise HTTPException(404)
    return {"id": order_id, "jobs": jobs_of[order_id]}
