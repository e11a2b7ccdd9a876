"""An order's side jobs: one that fails takes no other with it, and does not fail in silence.

POST /orders {"email": "ada@example.com", "item": "lamp", "quantity": 2} is answered with 202 and {"id": "..."} at
once, whatever the mail server and the partners are doing; its Location is the path of GET /orders/{id}.
Afterwards three side jobs are carried out, each once, in any order or at the same time:
- confirmation: a mail to the customer, over the mail server at SMTP_HOST, SMTP_PORT
- stock: POST {STOCK_URL}/reservations {"order": id, "item": "lamp", "quantity": 2}
- warehouse: POST {WAREHOUSE_URL}/shipments, with the same body

A job has failed when the mail is refused, or when the partner answers with an error (4xx, 5xx) or hangs up. It is
not tried again, and the other two are carried out all the same. GET /orders/{id} is answered with 200 and, for
example, {"id": "...", "jobs": {"confirmation": "done", "stock": "failed", "warehouse": "pending"}}: always these
three jobs, each in one of these three states. Every failure is also logged, to stdout or stderr: one line that holds
both the order's id and the job's name.

Nothing may dawdle: an effect follows its cause within a tenth of a second when the world is quick.
"""

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


@app.post("/orders", status_code=202)
async def place(order: Order, background: BackgroundTasks, response: Response) -> dict[str, str]:
    order_id = uuid4().hex
    jobs_of[order_id] = dict.fromkeys(JOBS, "pending")
    # Your part: whichever of the three fails, the other two are carried out, and somebody hears of it.
    for job in JOBS.values():
        background.add_task(job, order_id, order)
    response.headers["Location"] = f"/orders/{order_id}"
    return {"id": order_id}


@app.get("/orders/{order_id}")
async def read(order_id: str) -> dict[str, Any]:
    if order_id not in jobs_of:
        raise HTTPException(404)
    return {"id": order_id, "jobs": jobs_of[order_id]}
