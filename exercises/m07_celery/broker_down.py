"""The broker is down: an order is refused in time, and nobody else notices.

POST /orders  {"item": "tea"}
    202 Accepted, {"id": "<string>"}: a task is in the queue, in Redis at REDIS_URL.
    503 Service Unavailable when it is not, at the latest PUBLISH_TIMEOUT_SECONDS (a number) after the order has come,
        or after Redis has said its last word: whether Redis refuses connections, or accepts them and says nothing, be
        it from the beginning or in the middle of the talk. How long a crowd of orders waits is left open. An order that
        was refused because there was no connection is never carried out later on.
GET /health: 200 {"status": "up"}, at once, whatever the broker does and however long an order waits for it.

When Redis is back, the next order is accepted, without anybody's help. Nothing dawdles: in a quick world an effect
follows its cause within a tenth of a second.

A worker, made of this same file, has the kitchen do it: POST KITCHEN_URL/meals {"order": "<the id>", "item": "tea"}.
The grader starts it so, while Redis is well:

    celery -A exercises.m07_celery.broker_down:celery_app worker --pool=threads --concurrency=1

Your part is order and how celery_app is set up: as it is, an order waits for Redis for as long as it takes, and all the
others wait with it. The results that Celery keeps are nobody's concern.
"""

import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

PUBLISH_TIMEOUT_SECONDS = float(os.environ.get("PUBLISH_TIMEOUT_SECONDS", "2"))


class NewOrder(BaseModel):
    item: str


class Order(BaseModel):
    id: str


class Health(BaseModel):
    status: str


app = FastAPI()
celery_app = Celery("orders", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery_app.task
def cook(order_id: str, item: str) -> None:
    meal = {"order": order_id, "item": item}
    httpx.post(f"{os.environ['KITCHEN_URL']}/meals", json=meal, timeout=60).raise_for_status()


@app.post("/orders", status_code=202)
async def order(new: NewOrder) -> Order:
    placed = Order(id=uuid4().hex)
    cook.delay(placed.id, new.item)  # Your part: how long may this take, and who waits meanwhile?
    return placed


@app.get("/health")
async def health() -> Health:
    return Health(status="up")
