"""Plain functions, sqlite3 without a layer above it, and a relay in a thread of its own."""

import json
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

RELAY_SECONDS = float(os.environ.get("RELAY_SECONDS", "0.05"))
FILE = os.environ["DATABASE_URL"].partition(":///")[2]
TABLES = """
CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (place INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


class Order(BaseModel):
    number: str
    customer: str
    item: str


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(FILE)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


class Relay(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=os.environ["BROKER_URL"], timeout=10) as broker, closing(connect()) as connection:
            while not self.ended.wait(RELAY_SECONDS):
                try:
                    while self.send_oldest(broker, connection):
                        pass
                except httpx.HTTPError as error:
                    print(f"not taken: {error!r}", flush=True)

    def send_oldest(self, broker: httpx.Client, connection: sqlite3.Connection) -> bool:
        row = connection.execute("SELECT place, body FROM outbox ORDER BY place LIMIT 1").fetchone()
        if row is None:
            return False
        broker.post("/messages", content=row[1], headers={"content-type": "application/json"}).raise_for_status()
        with connection:
            connection.execute("DELETE FROM outbox WHERE place = ?", row[:1])
        return True


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with closing(connect()) as connection:
        connection.executescript(TABLES)
    relay = Relay()
    relay.start()
    yield
    relay.ended.set()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
def place_order(order: Order) -> Order:
    with closing(connect()) as connection:
        try:
            with connection:
                connection.execute("INSERT INTO orders VALUES (?, ?)", (order.number, order.model_dump_json()))
                message = json.dumps({"id": str(uuid4())} | order.model_dump())
                connection.execute("INSERT INTO outbox (body) VALUES (?)", (message,))
        except sqlite3.IntegrityError:
            raise HTTPException(409) from None
    return order


@app.get("/orders/{number}")
def show_order(number: str) -> Order:
    with closing(connect()) as connection:
        row = connection.execute("SELECT body FROM orders WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise HTTPException(404)
    return Order.model_validate_json(row[0])
