"""The invoice: checkout is answered at once, and the order tells when its PDF is ready, or that there will be none.

POST /orders {"customer": "Ada Lovelace", "lines": [{"item": "Tea", "quantity": 3, "price": "2.35"}, ...]}
    202 Accepted, {"id": "<string>", "status": "pending", "total": "8.39"}, and a Location header that leads to GET
    /orders/{id}. The order is in the database by then; nobody waits for the invoice.
GET /orders/{id}: 200, the same three fields. The status turns "ready", or "failed" when the invoice cannot be made.
GET /orders/{id}/invoice: 200, the invoice as application/pdf, when the order is ready; 404 before, and when it failed.

- Net is the sum of quantity times price, tax is 19 percent of net, rounded to whole cents with half a cent rounded up,
  and total is net plus tax. As text, the invoice has the customer, each line's item, quantity and amount, and at the
  end "Net 7.05", "Tax 1.34", "Total 8.39". Amounts have two decimals and no other marks, and are right to the cent.
- write_invoice knows the letters of Latin-1 and raises UnicodeEncodeError for others. Such an order has failed.
- The PDF is made in a process beside the server, and the server answers meanwhile. If that process is killed, its order
  fails, or the invoice is made once more. What is served as an invoice is a whole PDF, whenever it is asked for.
- The service may be killed at any time. Started again, it answers before it has made what it owes, knows every order
  that it had accepted, and an order that was pending still turns ready, or failed.

The database is SQLite at DATABASE_URL; PDFs are kept under DATA_DIR. Nothing dawdles: an effect follows its cause
within a tenth of a second, apart from the time for computing and for the start of a process.

Your part is totals, work, lifespan and read_invoice: as they are, cents go astray, PDFs are made on the event loop,
half of one may be served, and a failure or a crash leaves the order pending for ever.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
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


class Line(BaseModel):
    item: str
    quantity: int = Field(ge=1)
    price: Decimal = Field(ge=0, decimal_places=2)


class Order(BaseModel):
    customer: str
    lines: list[Line]


def totals(order: Order) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and total of an order."""
    net = sum(line.quantity * float(line.price) for line in order.lines)  # Your part: the last cent
    return Decimal(net), Decimal(net * 0.19), Decimal(net * 1.19)


def write_invoice(document: str, target: Path) -> None:
    """Write the invoice of an order, given as JSON. Raises UnicodeEncodeError for letters that the font lacks."""
    order = Order.model_validate_json(document)
    lines = [(f"{line.item}, {line.quantity} x {line.price:.2f}", line.quantity * line.price) for line in order.lines]
    rows = [*lines, *zip(("Net", "Tax", "Total"), totals(order), strict=True)]
    cells = [[order.customer, ""], *([text, f"{amount:.2f}"] for text, amount in rows)]
    "".join(text for text, _ in cells).encode("latin-1")  # for other letters, the font would draw boxes
    SimpleDocTemplate(str(target)).build([LongTable(cells)])


async def work(order_id: str, document: str) -> None:
    path = FOLDER / f"{order_id}.pdf"
    write_invoice(document, path)  # Your part: the loop serves nobody meanwhile, and what if it fails?
    status = "ready"
    async with engine.begin() as database:
        await database.execute(orders.update().where(orders.c.id == order_id).values(status=status))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as database:
        await database.run_sync(orders.metadata.create_all)
    yield  # Your part: who makes the invoices that were owed when the service was killed?


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=202)
async def check_out(order: Order, tasks: BackgroundTasks, response: Response) -> dict[str, str]:
    status = {"id": uuid4().hex, "status": "pending", "total": f"{totals(order)[2]:.2f}"}
    document = order.model_dump_json()
    async with engine.begin() as database:
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
    path = FOLDER / f"{order_id}.pdf"
    if not path.exists():  # Your part: a file that exists is not a file that is whole.
        raise HTTPException(404)
    return FileResponse(path, media_type="application/pdf")
