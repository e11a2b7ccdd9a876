"""Orders and attempts lie in a database, and one statement counts what is not decided."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
ATTEMPT_SECONDS = float(os.environ.get("ATTEMPT_SECONDS", "30"))


class NewOrder(BaseModel):
    amount: int


class Order(BaseModel):
    id: str
    status: str


app = FastAPI()
DATABASE = Path(os.environ["DATA_DIR"]) / "orders.db"
celery_app = Celery("shop", broker=os.environ["REDIS_URL"])
celery_app.conf.task_ignore_result = True
celery_app.conf.worker_prefetch_multiplier = 1  # a worker takes what it works on; the rest waits for whoever is free


def run(statement: str, *values: object) -> list[tuple]:
    with closing(sqlite3.connect(DATABASE, timeout=30)) as connection, connection:
        return connection.execute(statement, values).fetchall()


run("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, status TEXT, attempts INTEGER DEFAULT 0)")


def charge(order_id: str, amount: int) -> None:
    answer = httpx.post(
        f"{os.environ['PAYMENTS_URL']}/charges",
        json={"order": order_id, "amount": amount},
        headers={"Idempotency-Key": order_id},  # the same one in each attempt: they are one wish
        timeout=60,
    )
    answer.raise_for_status()


@celery_app.task(acks_late=True, reject_on_worker_lost=True, soft_time_limit=ATTEMPT_SECONDS)
def pay(order_id: str, amount: int) -> None:
    attempt = "UPDATE orders SET attempts = attempts + 1 WHERE id = ? AND status = 'queued' RETURNING attempts"
    try:
        for (attempts,) in run(attempt, order_id):  # none when it is decided
            if attempts > MAX_ATTEMPTS:
                raise SoftTimeLimitExceeded
            charge(order_id, amount)
            run("UPDATE orders SET status = 'paid' WHERE id = ?", order_id)
    except SoftTimeLimitExceeded:
        run("UPDATE orders SET status = 'given_up' WHERE id = ? AND status = 'queued'", order_id)


@app.post("/orders", status_code=202)
def place_order(new: NewOrder) -> Order:
    order = Order(id=uuid4().hex, status="queued")
    run("INSERT INTO orders (id, status) VALUES (?, ?)", order.id, order.status)
    pay.delay(order.id, new.amount)
    return order


@app.get("/orders/{order_id}")
def show_order(order_id: str) -> Order:
    for (status,) in run("SELECT status FROM orders WHERE id = ?", order_id):
        return Order(id=order_id, status=status)
    raise HTTPException(404, "There is no such order.")
