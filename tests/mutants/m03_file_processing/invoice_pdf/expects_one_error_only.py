"""Expects that letters are all that can go wrong."""

MISTAKE = "A7"
FAILS = ["test_invoice_is_made_beside_the_server"]

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from reportlab.platypus import LongTable, SimpleDocTemplate
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


def totals(order: Order) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and total of an order."""
    net = sum((line.quantity * line.price for line in order.lines), Decimal("0.00"))
    tax = (net * Decimal("0.19")).quantize(Decimal("0.01"), ROUND_HALF_UP)  # not float, not half to even
    return net, tax, net + tax


def write_invoice(document: str, target: Path) -> None:
    """Write the invoice of an order, given as JSON. Raises UnicodeEncodeError for letters that the font lacks."""
    order = Order.model_validate_json(document)
    lines = [(f"{line.item}, {line.quantity} x {line.price:.2f}", line.quantity * line.price) for line in order.lines]
    rows = [*lines, *zip(("Net", "Tax", "Total"), totals(order), strict=True)]
    cells = [[order.customer, ""], *([text, f"{amount:.2f}"] for text, amount in rows)]
    "".join(text for text, _ in cells).encode("latin-1")  # for other letters, the font would draw boxes
    SimpleDocTemplate(str(target)).build([LongTable(cells)])


pool: ProcessPoolExecutor


async def work(order_id: str, document: str) -> None:
    path = FOLDER / f"{order_id}.pdf"
    try:
        await asyncio.get_running_loop().run_in_executor(pool, write_invoice, document, path)
        status = "ready"  # not before the last byte has been written
    except UnicodeEncodeError:
        log.exception("No invoice for order %s", order_id)
        status = "failed"
    async with engine.begin() as database:
        await database.execute(orders.update().where(orders.c.id == order_id).values(status=status))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    global pool
    pool = ProcessPoolExecutor(max_workers=2)  # however this system starts processes
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
    status = {"id": uuid4().hex, "status": "pending", "total": f"{totals(order)[2]:.2f}"}
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
