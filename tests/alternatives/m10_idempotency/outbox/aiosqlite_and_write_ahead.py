"""aiosqlite with one connection for the requests and one for the relay, which follows the log by its last place."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiosqlite
import httpx
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

RELAY_SECONDS = float(os.environ.get("RELAY_SECONDS", "0.05"))
FILE = os.environ["DATABASE_URL"].removeprefix("sqlite+aiosqlite:///")
TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, customer TEXT, item TEXT);
CREATE TABLE IF NOT EXISTS log (place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, number TEXT, customer TEXT, item TEXT);
CREATE TABLE IF NOT EXISTS reached (only INTEGER PRIMARY KEY CHECK (only = 1), place INTEGER);
INSERT OR IGNORE INTO reached VALUES (1, 0);
"""


class Order(BaseModel):
    number: str
    customer: str
    item: str


async def relay() -> None:
    async with aiosqlite.connect(FILE) as database, httpx.AsyncClient(base_url=os.environ["BROKER_URL"]) as broker:
        [[reached]] = await database.execute_fetchall("SELECT place FROM reached")
        while True:
            rows = await database.execute_fetchall("SELECT * FROM log WHERE place > ? ORDER BY place", (reached,))
            for place, *fields in rows:
                message = dict(zip(("id", "number", "customer", "item"), fields))
                try:
                    answer = await broker.post("/messages", json=message)
                except httpx.TransportError:
                    break
                if not answer.is_success:
                    break
                await database.execute("UPDATE reached SET place = ?", (place,))
                await database.commit()
                reached = place
            await asyncio.sleep(RELAY_SECONDS)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiosqlite.connect(FILE) as database, asyncio.TaskGroup() as group:
        await database.executescript(TABLES)
        app.state.database, app.state.writing = database, asyncio.Lock()
        carrying = group.create_task(relay())
        yield
        carrying.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def place_order(order: Order, request: Request) -> Order:
    database = request.app.state.database
    row = (order.number, order.customer, order.item)
    async with request.app.state.writing:  # one connection, so one transaction at a time
        try:
            await database.execute("INSERT INTO orders VALUES (?, ?, ?)", row)
            insert = "INSERT INTO log (id, number, customer, item) VALUES (?, ?, ?, ?)"
            await database.execute(insert, (uuid4().hex, *row))
            await database.commit()
        except sqlite3.IntegrityError as error:
            await database.rollback()
            raise HTTPException(409) from error
    return order


@app.get("/orders/{number}")
async def show_order(number: str, request: Request) -> Order:
    found = "SELECT number, customer, item FROM orders WHERE number = ?"
    async with request.app.state.database.execute(found, (number,)) as cursor:
        row = await cursor.fetchone()
    if row is None:
        raise HTTPException(404)
    return Order(number=row[0], customer=row[1], item=row[2])
