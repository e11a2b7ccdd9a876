"""Tidies the count of attempts up with the decision, and begins anew when the message comes again."""

MISTAKE = "E9"
FAILS = ["test_order_that_kills_is_given_up"]


import os
from contextlib import suppress
from uuid import uuid4

import httpx
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis import Redis

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
ATTEMPT_SECONDS = float(os.environ.get("ATTEMPT_SECONDS", "30"))


class NewOrder(BaseModel):
    amount: int


class Order(BaseModel):
    id: str
    status: str


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
celery_app = Celery("shop", broker=os.environ["REDIS_URL"])
celery_app.conf.task_ignore_result = True
celery_app.conf.worker_prefetch_multiplier = 1  # a worker takes what it works on; the rest waits for whoever is free


def charge(order_id: str, amount: int) -> None:
    answer = httpx.post(
        f"{os.environ['PAYMENTS_URL']}/charges",
        json={"order": order_id, "amount": amount},
        headers={"Idempotency-Key": order_id},  # the same one in each attempt: they are one wish
        timeout=60,
    )
    answer.raise_for_status()


@celery_app.task(
    acks_late=True,  # the message is the broker's until the task has ended
    reject_on_worker_lost=True,  # and a task has not ended because its process has
    soft_time_limit=ATTEMPT_SECONDS,
)
def pay(order_id: str, amount: int) -> None:
    if redis.hget(order_id, "status") == "paid":
        return  # delivered once more
    status = "given_up"
    with suppress(SoftTimeLimitExceeded):
        if redis.incr(f"attempts:{order_id}") <= MAX_ATTEMPTS:
            charge(order_id, amount)
            status = "paid"
    redis.hset(order_id, "status", status)
    redis.delete(f"attempts:{order_id}")


@app.post("/orders", status_code=202)
def place_order(new: NewOrder) -> Order:
    order = Order(id=uuid4().hex, status="queued")
    redis.hset(order.id, "status", order.status)  # before a worker can know of it
    pay.delay(order.id, new.amount)
    return order


@app.get("/orders/{order_id}")
def show_order(order_id: str) -> Order:
    status = redis.hget(order_id, "status")
    if status is None:
        raise HTTPException(404, "There is no such order.")
    return Order(id=order_id, status=str(status))
