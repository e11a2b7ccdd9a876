"""Keeps orders as objects of the ORM, the PDF in the row, and starts a process for each invoice."""

import asyncio
import io
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal
from multiprocessing.connection import Connection
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import JSON, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload([__name__])
engine = create_async_engine(os.environ["DATABASE_URL"])
new_session = async_sessionmaker(engine, expire_on_commit=False)
tasks: set[asyncio.Task[None]] = set()


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    content: Mapped[dict] = mapped_column(JSON)
    total: Mapped[str]
    pdf: Mapped[bytes | None]


class Line(BaseModel):
    item: str
    quantity: int
    price: Decimal


class NewOrder(BaseModel):
    customer: str
    lines: list[Line]


class Shown(BaseModel):
    id: str
    status: str
    total: str


def amounts(order: NewOrder) -> list[Decimal]:
    cent = Decimal("0.01")
    net = sum((line.price * line.quantity for line in order.lines), Decimal(0)).quantize(cent)
    total = (net * Decimal("1.19")).quantize(cent, rounding=ROUND_HALF_UP)
    return [net, total - net, total]


def make(content: dict, result: Connection) -> None:
    order = NewOrder.model_validate(content)
    file = io.BytesIO()
    page = Canvas(file)
    texts = [order.customer]
    for line in order.lines:
        texts.append(f"{line.item}: {line.quantity} for {line.quantity * line.price:.2f}")
    for name, amount in zip(["Net", "Tax", "Total"], amounts(order), strict=True):
        texts.append(f"{name} {amount}")
    while texts:
        for height, text in zip(range(800, 60, -14), texts):
            text.encode("latin-1")
            page.drawString(60, height, text)
        del texts[: len(range(800, 60, -14))]
        page.showPage()
    page.save()
    result.send_bytes(file.getvalue())


def in_a_process(content: dict) -> bytes | None:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=make, args=(content, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv_bytes()
    except EOFError:
        return None
    finally:
        process.join()


async def work(order_id: str) -> None:
    async with new_session() as session:
        content = (await session.get_one(Order, order_id)).content
    try:
        pdf = await asyncio.to_thread(in_a_process, content)
    except (OSError, EOFError):  # no process could be started: the fork server has been killed
        pdf = None
    async with new_session.begin() as session:
        order = await session.get_one(Order, order_id)
        order.pdf, order.status = pdf, "failed" if pdf is None else "ready"


def start(order_id: str) -> None:
    task = asyncio.create_task(work(order_id))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with new_session() as session:
        for order_id in await session.scalars(select(Order.id).where(Order.status == "pending")):
            start(order_id)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=202)
async def check_out(new: NewOrder, response: Response) -> Shown:
    order = Order(id=str(uuid4()), status="pending", content=new.model_dump(mode="json"), total=str(amounts(new)[2]))
    async with new_session.begin() as session:
        session.add(order)
    start(order.id)
    response.headers["Location"] = f"/orders/{order.id}"
    return Shown(id=order.id, status="pending", total=order.total)


async def existing(order_id: str) -> Order:
    async with new_session() as session:
        order = await session.get(Order, order_id)
    if order is None:
        raise HTTPException(404)
    return order


@app.get("/orders/{order_id}")
async def read_order(order_id: str) -> Shown:
    order = await existing(order_id)
    return Shown(id=order.id, status=order.status, total=order.total)


@app.get("/orders/{order_id}/invoice")
async def read_invoice(order_id: str) -> Response:
    order = await existing(order_id)
    if order.pdf is None:
        raise HTTPException(404)
    return Response(order.pdf, media_type="application/pdf")
