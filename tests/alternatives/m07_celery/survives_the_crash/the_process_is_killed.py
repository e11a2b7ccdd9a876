"""A hard time limit, and Celery's hook for failures, called in the worker's first process."""

import os
from uuid import uuid4

import httpx
from celery import Celery, Task
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
celery_app.conf.task_acks_late = True
celery_app.conf.task_reject_on_worker_lost = True
celery_app.conf.task_time_limit = ATTEMPT_SECONDS  # the process is killed
celery_app.conf.worker_disable_prefetch = True


class Payment(Task):
    def on_failure(self, exc, task_id, args, kwargs, einfo) -> None:
        redis.hset(args[0], "status", "given_up")


def charge(order_id: str, amount: int) -> None:
    answer = httpx.post(
        f"{os.environ['PAYMENTS_URL']}/charges",
        json={"order": order_id, "amount": amount},
        headers={"Idempotency-Key": order_id},  # the same one in each attempt: they are one wish
        timeout=60,
    )
    answer.raise_for_status()


@celery_app.task(base=Payment)
def pay(order_id: str, amount: int) -> None:
    if redis.hget(order_id, "status") == "paid":
        return
    if redis.hincrby(order_id, "attempts", 1) > MAX_ATTEMPTS:
        raise RuntimeError("The attempts are used up.")
    charge(order_id, amount)
    redis.hset(order_id, "status", "paid")


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
