"""The HTTP client ends what takes too long; the first decision of an order stands."""

import os
from uuid import uuid4

import httpx
from celery import Celery
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
        headers={"Idempotency-Key": f"order-{order_id}"},
        timeout=ATTEMPT_SECONDS,
    )
    answer.raise_for_status()


def decide(order_id: str, status: str) -> None:
    """The first decision stands."""
    if redis.hsetnx(order_id, "decided", status):
        redis.hset(order_id, "status", status)


@celery_app.task(acks_late=True, reject_on_worker_lost=True)
def pay(order_id: str, amount: int) -> None:
    if redis.hexists(order_id, "decided"):
        return
    with redis.pipeline() as line:
        before = line.llen(f"attempts:{order_id}").rpush(f"attempts:{order_id}", os.getpid()).execute()[0]
    if before >= MAX_ATTEMPTS:
        decide(order_id, "given_up")
        return
    try:
        charge(order_id, amount)
    except httpx.TimeoutException:
        decide(order_id, "given_up")
    else:
        decide(order_id, "paid")


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
