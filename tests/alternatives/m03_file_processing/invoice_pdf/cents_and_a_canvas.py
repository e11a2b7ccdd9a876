"""Counts in whole cents, and draws each line by itself; the pool is forked when the service starts."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.ext.asyncio import create_async_engine

FOLDER = Path(os.environ.get("DATA_DIR", "data"))
engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///orders.db"))
orders = Table(
    "orders",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("status", String),
    Column("total", String),
    Column("document", String),  # what was ordered, as JSON
)
log = logging.getLogger(__name__)


class Line(BaseModel):
    item: str
    quantity: int = Field(ge=1)
    price: Decimal = Field(ge=0, decimal_places=2)


class Order(BaseModel):
    customer: str
    lines: list[Line]


def cents(price: Decimal) -> int:
    return int(price * 100)


def shown(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def totals(order: Order) -> tuple[int, int, int]:
    net = sum(line.quantity * cents(line.price) for line in order.lines)
    tax = (net * 19 + 50) // 100
    return net, tax, net + tax


def write_invoice(document: str, target: Path) -> None:
    order = Order.model_validate_json(document)
    rows = [f"{line.quantity} {line.item}  {shown(line.quantity * cents(line.price))}" for line in order.lines]
    rows += [f"{name} {shown(amount)}" for name, amount in zip(("Net", "Tax", "Total"), totals(order), strict=True)]
    page = Canvas(str(target))
    for number, row in enumerate(["Invoice for " + order.customer, *rows]):
        row.encode("latin-1")
        if number and number % 50 == 0:
            page.showPage()
        page.drawString(72, 800 - 15 * (number % 50), row)
    page.save()


pool: ProcessPoolExecutor


async def work(order_id: str, document: str) -> None:
    path = FOLDER / f"{order_id}.pdf"
    try:
        await asyncio.get_running_loop().run_in_executor(pool, write_invoice, document, path)
        status = "ready"  # not before the last byte has been written
    except Exception:
        log.exception("No invoice for order %s", order_id)
        status = "failed"
    async with engine.begin() as database:
        await database.execute(orders.update().where(orders.c.id == order_id).values(status=status))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    global pool
    pool = ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context("fork"))
    pool.submit(os.getpid).result()
    async with engine.begin() as database:
        await database.run_sync(orders.metadata.create_all)
        pending = await database.execute(orders.select().where(orders.c.status == "pending"))
    # What was accepted before a crash is still owed. An invoice that was half written is begun anew.
    _resumed = [asyncio.create_task(work(row.id, row.document)) for row in pending]
    yield
    pool.shutdown(cancel_futures=True)


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=202)
async def check_out(order: Order, tasks: BackgroundTasks, response: Response) -> dict[str, str]:
    status = {"id": uuid4().hex, "status": "pending", "total": shown(totals(order)[2])}
    document = order.model_dump_json()
    async with engine.begin() as database:  # committed before there is a task, and before the 202 that promises it
        await database.execute(orders.insert().values(**status, document=document))
    tasks.add_task(work, status["id"], document)
    response.headers["Location"] = f"/orders/{status['id']}"
    return status


@app.get("/orders/{order_id}")
async def read_order(order_id: str) -> dict[str, str]:
    async with engine.connect() as database:
        row = (await database.execute(orders.select().where(orders.c.id == order_id))).one_or_none()
    if row is None:
        raise HTTPException(404)
    return {"id": row.id, "status": row.status, "total": row.total}


@app.get("/orders/{order_id}/invoice")
async def read_invoice(order_id: str) -> FileResponse:
    if (await read_order(order_id))["status"] != "ready":
        raise HTTPException(404)
    return FileResponse(FOLDER / f"{order_id}.pdf", media_type="application/pdf")
