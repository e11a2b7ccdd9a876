"""Marks the event first, and takes the mark back in an exception handler, which no crash runs."""

MISTAKE = "H2"
FAILS = [
    "test_a_crash_before_the_charge_loses_nothing",
    "test_a_crash_after_the_charge_doubles_nothing",
    "test_a_failed_charge_is_tried_again",
]

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

DATABASE = Path(os.environ.get("DATA_DIR", ".")) / "shop.db"
TABLES = """
CREATE TABLE IF NOT EXISTS seen (event TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS orders ("order" TEXT PRIMARY KEY, number INTEGER, status TEXT, paid INTEGER);
"""

app = FastAPI()
provider = httpx.Client(base_url=os.environ.get("PAYMENTS_URL", "http://localhost:8001"))


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int

    @property
    def due(self) -> int:
        """What it costs, in cents."""
        return self.amount if self.status == "shipped" else 0


class Order(BaseModel):
    order: str
    number: int
    status: str
    paid: int


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Everything in it happens or nothing, and nobody else writes meanwhile."""
    with closing(sqlite3.connect(DATABASE, timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        with database:  # commits at its end, or rolls back
            yield database


def take_money(order: str, amount: int, key: str) -> None:
    """Charge through the provider; the same key again charges nothing more. Raises HTTPException 503."""
    try:
        charge = {"order": order, "amount": amount}
        provider.post("/charges", json=charge, headers={"Idempotency-Key": key}).raise_for_status()
    except httpx.HTTPError as error:
        raise HTTPException(503, "The payment provider failed; deliver the event again.") from error


def record(database: sqlite3.Connection, event: Event) -> None:
    """Let an order show what an event says of it."""
    values = event.model_dump() | {"due": event.due}
    database.execute(
        """INSERT INTO orders VALUES (:order, :number, :status, :due)
           ON CONFLICT DO UPDATE SET paid = paid + excluded.paid""",
        values,
    )
    # Compared where it is written, not before: by then somebody else may have written a newer one.
    database.execute(
        'UPDATE orders SET number = :number, status = :status WHERE "order" = :order AND number < :number', values
    )


@app.post("/webhooks/warehouse")
def receive(event: Event) -> None:
    with transaction() as database:
        if not database.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (event.id,)).rowcount:
            return
    try:
        if event.due:
            take_money(event.order, event.due, event.id)
        with transaction() as database:
            record(database, event)
    except Exception:
        with transaction() as database:
            database.execute("DELETE FROM seen WHERE event = ?", (event.id,))
        raise


@app.get("/orders/{order}")
def read_order(order: str) -> Order:
    with transaction() as database:
        row = database.execute('SELECT number, status, paid FROM orders WHERE "order" = ?', (order,)).fetchone()
    if not row:
        raise HTTPException(404)
    return Order(order=order, number=row[0], status=row[1], paid=row[2])


with closing(sqlite3.connect(DATABASE)) as new_database:
    new_database.execute("PRAGMA journal_mode = WAL")
    new_database.executescript(TABLES)
