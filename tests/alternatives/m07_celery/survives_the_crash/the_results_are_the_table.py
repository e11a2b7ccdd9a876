"""The order's id is the task's, its status is Celery's state of it."""

import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel
from redis import Redis

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "3"))
ATTEMPT_SECONDS = float(os.environ.get("ATTEMPT_SECONDS", "30"))
STATUS = {"SUCCESS": "paid", "FAILURE": "given_up"}


class NewOrder(BaseModel):
    amount: int


class Order(BaseModel):
    id: str
    status: str


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])
celery_app = Celery("shop", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery_app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=ATTEMPT_SECONDS,
    task_time_limit=ATTEMPT_SECONDS + 5,
    worker_prefetch_multiplier=1,
)


@celery_app.task(bind=True)
def pay(self, order_id: str, amount: int) -> None:
    if redis.incr(f"attempts:{order_id}") > MAX_ATTEMPTS and self.AsyncResult(order_id).state != "SUCCESS":
        raise RuntimeError("The attempts are used up.")
    httpx.post(
        f"{os.environ['PAYMENTS_URL']}/charges",
        json={"order": order_id, "amount": amount},
        headers={"Idempotency-Key": self.request.id},
        timeout=60,
    ).raise_for_status()


@app.post("/orders", status_code=202)
def place_order(new: NewOrder) -> Order:
    order_id = uuid4().hex
    pay.apply_async((order_id, new.amount), task_id=order_id)
    return Order(id=order_id, status="queued")


@app.get("/orders/{order_id}")
def show_order(order_id: str) -> Order:
    return Order(id=order_id, status=STATUS.get(pay.AsyncResult(order_id).state, "queued"))
