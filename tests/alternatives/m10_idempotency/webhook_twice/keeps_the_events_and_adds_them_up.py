"""Nothing is ever changed: events that are done are kept, and an order is what they add up to when somebody asks."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel

app = FastAPI()
client = httpx.AsyncClient()


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int


def database() -> Iterator[sqlite3.Connection]:
    file = os.environ["DATABASE_URL"].partition(":///")[2]
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS events"
            " (id TEXT NOT NULL UNIQUE, name TEXT, number INT, status TEXT, amount INT, received DEFAULT CURRENT_TIMESTAMP)"
        )
        yield connection


Database = Annotated[sqlite3.Connection, Depends(database)]


@app.post("/webhooks/warehouse", status_code=204)
async def receive(event: Event, db: Database) -> Response:
    known = db.execute("SELECT count(*) FROM events WHERE id = ?", (event.id,)).fetchone()[0]
    if not known:
        if event.status == "shipped":
            reply = await client.post(
                f"{os.environ['PAYMENTS_URL']}/charges",
                json={"order": event.order, "amount": event.amount},
                headers={"Idempotency-Key": f"warehouse/{event.id}"},
            )
            reply.raise_for_status()
        db.execute(
            "INSERT OR IGNORE INTO events (id, name, number, status, amount) VALUES (:id, :order, :number, :status, :amount)",
            event.model_dump(),
        )
    return Response(status_code=204)


@app.exception_handler(httpx.HTTPError)
async def come_again(_request: object, _error: httpx.HTTPError) -> Response:
    return Response("come again", 502)


@app.get("/orders/{order}")
def read_order(order: str, db: Database) -> dict[str, object]:
    rows = db.execute("SELECT number, status, amount FROM events WHERE name = ? ORDER BY number", (order,)).fetchall()
    if not rows:
        raise HTTPException(404)
    paid = sum(amount for _, status, amount in rows if status == "shipped")
    return {"order": order, "number": rows[-1][0], "status": rows[-1][1], "paid": paid}
