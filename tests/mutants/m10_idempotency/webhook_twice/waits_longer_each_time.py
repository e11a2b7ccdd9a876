"""Stores, answers 202, and waits four times as long after each failure."""

MISTAKE = "J1"
FAILS = ["test_a_failed_charge_is_tried_again"]

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

FILE = os.path.join(os.environ.get("DATA_DIR", "."), "inbox.db")
AGAIN = 0.1
TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, event TEXT, done INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS orders (name TEXT PRIMARY KEY, number INT, status TEXT, paid INT DEFAULT 0);
"""


class Event(BaseModel):
    id: str
    order: str
    number: int
    status: str
    amount: int


@asynccontextmanager
async def connect() -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(FILE, timeout=10, isolation_level=None) as db:
        await db.execute("BEGIN IMMEDIATE")
        yield db
        await db.execute("COMMIT")


async def deal_with(event: Event, client: httpx.AsyncClient) -> None:
    if event.status == "shipped":
        charge = {"order": event.order, "amount": event.amount}
        answer = await client.post("/charges", json=charge, headers={"Idempotency-Key": event.id})
        answer.raise_for_status()
    async with connect() as db:
        mark = await db.execute("UPDATE inbox SET done = 1 WHERE id = ? AND done = 0", (event.id,))
        if not mark.rowcount:
            return
        paid = event.amount if event.status == "shipped" else 0
        await db.execute("INSERT OR IGNORE INTO orders (name, number) VALUES (?, 0)", (event.order,))
        await db.execute("UPDATE orders SET paid = paid + ? WHERE name = ?", (paid, event.order))
        newer = (event.number, event.status, event.order, event.number)
        await db.execute("UPDATE orders SET number = ?, status = ? WHERE name = ? AND number < ?", newer)


async def work() -> None:
    async with httpx.AsyncClient(base_url=os.environ["PAYMENTS_URL"]) as client:
        pause = AGAIN
        while True:
            arrived.clear()
            async with connect() as db:
                rows = list(await db.execute_fetchall("SELECT event FROM inbox WHERE NOT done ORDER BY rowid"))
            failed = False
            for (text,) in rows:
                try:
                    await deal_with(Event.model_validate_json(text), client)
                except httpx.HTTPError:
                    failed = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), pause if failed else None)
            pause = 4 * pause if failed else AGAIN


arrived = asyncio.Event()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with aiosqlite.connect(FILE) as db:
        await db.executescript(TABLES)
    worker = asyncio.create_task(work())
    yield
    worker.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/webhooks/warehouse", status_code=202)
async def receive(event: Event) -> dict[str, str]:
    async with connect() as db:
        await db.execute("INSERT OR IGNORE INTO inbox (id, event) VALUES (?, ?)", (event.id, event.model_dump_json()))
    arrived.set()
    return {"taken": event.id}


@app.get("/orders/{order}")
async def read_order(order: str) -> dict[str, object]:
    async with connect() as db:
        rows = list(await db.execute_fetchall("SELECT number, status, paid FROM orders WHERE name = ?", (order,)))
    if not rows:
        raise HTTPException(404)
    return {"order": order, "number": rows[0][0], "status": rows[0][1], "paid": rows[0][2]}
