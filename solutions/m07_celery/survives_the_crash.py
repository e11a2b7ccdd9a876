"""Survives the crash: an order is paid, whatever dies in between, and it is paid once.

POST /orders  {"amount": 1200}: 202 {"id": "<string>", "status": "queued"}. The order is handed to a worker.
GET /orders/{id}: 200, the same fields. The status is "queued" until the order is decided, then "paid" or "given_up",
    which means that a person has to look at it.

A worker, made of this same file, pays an order by one request to the payment provider:
    POST PAYMENTS_URL/charges  {"order": "<id>", "amount": 1200}, answered 201
The provider honours a header Idempotency-Key: the same key and body again get the same answer, and no second charge.
What it might answer otherwise is not the subject here. Make these true:

- The worker, or only the child process in which it does the work, may be killed (SIGKILL) in the middle of an
  attempt. The order is attempted again: by the worker, when only its child was killed; else by a worker that starts
  when the broker's visibility timeout is over.
- However often an order is attempted, and its message delivered, it is charged once. Once paid, it stays paid.
- An order whose attempts have died MAX_ATTEMPTS times (a whole number) is not attempted again: it is given up.
- The provider may never answer. An attempt that takes longer than ATTEMPT_SECONDS (a number such as 0.5) is ended,
  the order is given up without another attempt, and the worker turns to the next one.
- An order on which nobody works yet can be taken by any worker that is free.

Everything that has to be remembered lies in Redis, at REDIS_URL, which is the broker, too. Nothing dawdles: an effect
follows its cause within a tenth of a second. Your part is how the task is declared, set up, and made. The grader starts
workers, two at times, so:

    celery -A exercises.m07_celery.survives_the_crash:celery_app worker --pool=prefork --concurrency=1
"""

import os
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
    if redis.hget(order_id, "status") != "queued":
        return  # decided, and delivered once more
    status = "given_up"
    try:
        if redis.hincrby(order_id, "attempts", 1) <= MAX_ATTEMPTS:  # counted before: whoever dies counts no more
            charge(order_id, amount)
            status = "paid"
        redis.hset(order_id, "status", status)
    except SoftTimeLimitExceeded:  # Celery raises it once, in the middle of whatever goes on: of this write, too
        redis.hset(order_id, "status", status)


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
