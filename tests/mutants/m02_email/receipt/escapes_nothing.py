"""Puts the name into the HTML as it was typed, and a mail reader takes a part of it for a tag."""

MISTAKE = "C9"
FAILS = ["test_name_survives_in_subject_and_body"]

import asyncio
import os
from email.message import EmailMessage
from io import BytesIO
from typing import Annotated, Literal
from uuid import uuid4

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr, Field
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.pdfgen.canvas import Canvas

app = FastAPI()


class NewOrder(BaseModel):
    email: EmailStr
    name: Annotated[str, Field(pattern=r"^[^\r\n]+$")]
    tickets: Annotated[int, Field(ge=1, le=100)]


class Order(NewOrder):
    id: str
    status: Literal["rendering", "sending", "sent", "failed"] = "rendering"


orders: dict[str, Order] = {}


def render(order: Order) -> bytes:
    """Compute the PDF: a page with a code to scan for each ticket. Its fonts know Latin letters only: no name."""
    file = BytesIO()
    page = Canvas(file)
    for number in range(1, order.tickets + 1):
        page.drawString(72, 770, f"Order {order.id}, ticket {number} of {order.tickets}")
        Drawing(150, 150, QrCodeWidget(f"{order.id}/{number}")).drawOn(page, 72, 600)
        page.showPage()
    page.save()
    return file.getvalue()


def compose(order: Order, pdf: bytes) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "tickets@example.org"
    message["To"] = order.email
    message["Subject"] = f"Your tickets, {order.name}"  # as it was typed: the message itself makes ASCII of it
    message.set_content(f"Dear {order.name},\nyour tickets are attached.")
    message.add_alternative(f"<p>Dear {order.name},<br>your tickets are <b>attached</b>.</p>", subtype="html")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"Receipt {order.name}.pdf")
    return message


async def deliver(order: Order) -> None:
    try:
        pdf = await asyncio.to_thread(render, order)  # awaiting is not enough: the computing has to be somewhere else
        order.status = "sending"
        message = compose(order, pdf)
        await aiosmtplib.send(message, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))
        order.status = "sent"
    except Exception:
        order.status = "failed"
        raise


@app.post("/orders", status_code=202)
async def post_order(new: NewOrder, response: Response, background: BackgroundTasks) -> Order:
    order = Order(id=uuid4().hex, email=new.email, name=new.name, tickets=new.tickets)
    orders[order.id] = order
    background.add_task(deliver, order)
    response.headers["Location"] = f"/orders/{order.id}"
    return order


@app.get("/orders/{order_id}")
async def read_order(order_id: str) -> Order:
    if order_id not in orders:
        raise HTTPException(404)
    return orders[order_id]
