"""The receipt: an email with a PDF that somebody has to compute, for people whose names are not ASCII.

POST /orders {"email": "ada@example.com", "name": "Zoë 小明", "tickets": 2} is answered with 202 at once; its Location
is the path of GET /orders/{id}: 200, with a "status" in its body. It is "rendering" until the PDF is made, then
"sending", then "sent"; or "failed", if something of it went wrong, such as a mail that the server refuses.

One email goes to that address. Its subject has the name in it, as it was typed. Its body comes in two versions of
which a mail reader shows one, plain text and HTML, both with the name in them. Beside the body there is the PDF, of
type application/pdf; its file name is "Receipt <name>.pdf", again with the name as it was typed.

render takes about a hundredth of a second for each ticket, all of it computing, and somebody orders a hundred. While
it computes, the answer is on its way already and everybody is served; GET /orders/{id} says "rendering". While the mail
server is stuck, everybody is served, too; it says "sending".

The mail server is at SMTP_HOST and SMTP_PORT (no login, no TLS). Nothing may dawdle: apart from the computing, an
effect follows its cause within a tenth of a second.
"""

import os
from email.message import EmailMessage
from html import escape
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
    name = order.name.encode("ascii", "replace").decode()  # Your part: what came in as Zoë goes out as Zo?
    message = EmailMessage()
    message["From"] = "tickets@example.org"
    message["To"] = order.email
    message["Subject"] = f"Your tickets, {name}"
    message.set_content(f"<p>Dear {escape(name)},<br>your tickets are <b>attached</b>.</p>", subtype="html")
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"Receipt {name}.pdf")
    return message


async def deliver(order: Order) -> None:
    try:
        pdf = render(order)  # Your part: who is served meanwhile?
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
