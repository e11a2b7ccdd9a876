"""Holds the database's only write lock from the first look to the last write, the charge in between: all others queue."""

import json
import os
import sqlite3
from contextlib import closing
from urllib.request import Request, urlopen

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

FILE = os.path.join(os.environ.get("DATA_DIR", "."), "events.sqlite3")
app = FastAPI()


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int


def connect() -> sqlite3.Connection:
    db = sqlite3.connect(FILE, timeout=60, isolation_level=None)
    db.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
    db.execute("CREATE TABLE IF NOT EXISTS orders (name TEXT PRIMARY KEY, state TEXT)")
    return db


def charge(event: Event) -> None:
    body = json.dumps({"order": event.order, "amount": event.amount}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
    with urlopen(Request(os.environ["PAYMENTS_URL"] + "/charges", body, headers), timeout=30):
        pass


def state_of(db: sqlite3.Connection, order: str) -> dict | None:
    row = db.execute("SELECT state FROM orders WHERE name = ?", (order,)).fetchone()
    return json.loads(row[0]) if row else None


@app.post("/webhooks/warehouse")
def receive(event: Event) -> str:
    with closing(connect()) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            if db.execute("SELECT 1 FROM seen WHERE id = ?", (event.id,)).fetchone():
                return "seen"
            state = state_of(db, event.order) or {"order": event.order, "number": -1, "status": "", "paid": 0}
            if event.status == "shipped":
                charge(event)
                state["paid"] += event.amount
            if event.number > state["number"]:
                state |= {"number": event.number, "status": event.status}
            db.execute("REPLACE INTO orders VALUES (?, ?)", (event.order, json.dumps(state)))
            db.execute("INSERT INTO seen VALUES (?)", (event.id,))
        except OSError as error:
            db.execute("ROLLBACK")
            raise HTTPException(500) from error
        finally:
            if db.in_transaction:
                db.execute("COMMIT")
        return "done"


@app.get("/orders/{order}")
def read_order(order: str) -> dict:
    with closing(connect()) as db:
        state = state_of(db, order)
    if state is None:
        raise HTTPException(404)
    return state
