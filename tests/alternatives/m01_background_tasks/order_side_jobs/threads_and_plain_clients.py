"""Plain functions that run in threads, with smtplib and httpx.Client; the response carries its own tasks."""

import logging
import os
import smtplib
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, EmailStr

app = FastAPI()
logger = logging.getLogger("orders")


class Order(BaseModel):
    email: EmailStr
    item: str
    quantity: int


jobs_of: dict[str, dict[str, str]] = {}


def confirm(order_id: str, order: Order) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", order.email, f"Your order {order_id}"
    message.set_content(f"Thank you! {order.quantity} x {order.item}")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=10) as server:
        server.send_message(message)


def tell(url: str, order_id: str, order: Order) -> None:
    body = {"order": order_id, "item": order.item, "quantity": order.quantity}
    httpx.post(url, json=body).raise_for_status()


def reserve(order_id: str, order: Order) -> None:
    tell(f"{os.environ['STOCK_URL']}/reservations", order_id, order)


def ship(order_id: str, order: Order) -> None:
    tell(f"{os.environ['WAREHOUSE_URL']}/shipments", order_id, order)


JOBS = {"confirmation": confirm, "stock": reserve, "warehouse": ship}


def run(job: str, order_id: str, order: Order) -> None:
    # The customer is gone and nobody listens above this function: what it does not keep is never heard of again.
    try:
        JOBS[job](order_id, order)
        jobs_of[order_id][job] = "done"
    except Exception:
        jobs_of[order_id][job] = "failed"
        logger.exception("order %s: %s failed", order_id, job)


@app.post("/orders", status_code=202)
async def place(order: Order) -> JSONResponse:
    order_id = uuid4().hex
    jobs_of[order_id] = dict.fromkeys(JOBS, "pending")
    background = BackgroundTasks()
    for job in JOBS:
        background.add_task(run, job, order_id, order)
    return JSONResponse({"id": order_id}, 202, {"Location": f"/orders/{order_id}"}, background=background)


@app.get("/orders/{order_id}")
async def read(order_id: str) -> dict[str, Any]:
    if order_id not in jobs_of:
        raise HTTPException(404)
    return {"id": order_id, "jobs": jobs_of[order_id]}
