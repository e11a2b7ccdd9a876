"""Asks Redis whether it is there, with a limit, and then publishes without one."""

MISTAKE = "H1"
FAILS = ["test_order_is_refused_while_redis_is_silent"]


import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI, HTTPException
from kombu.exceptions import OperationalError
from pydantic import BaseModel
from redis import Redis
from redis.exceptions import RedisError

PUBLISH_TIMEOUT_SECONDS = float(os.environ.get("PUBLISH_TIMEOUT_SECONDS", "2"))


class NewOrder(BaseModel):
    item: str


class Order(BaseModel):
    id: str


class Health(BaseModel):
    status: str


app = FastAPI()
celery_app = Celery("orders", broker=os.environ["REDIS_URL"])  # no backend: delay would connect to that one as well
knocker = Redis.from_url(
    os.environ["REDIS_URL"],
    socket_connect_timeout=PUBLISH_TIMEOUT_SECONDS,
    socket_timeout=PUBLISH_TIMEOUT_SECONDS,
    retry=None,
)


@celery_app.task
def cook(order_id: str, item: str) -> None:
    meal = {"order": order_id, "item": item}
    httpx.post(f"{os.environ['KITCHEN_URL']}/meals", json=meal, timeout=60).raise_for_status()


@app.post("/orders", status_code=202)
def order(new: NewOrder) -> Order:  # a plain def: it waits in a thread of its own, and the loop is free
    placed = Order(id=uuid4().hex)
    try:
        knocker.ping()
        cook.delay(placed.id, new.item)
    except (OperationalError, RedisError) as error:
        raise HTTPException(503, "We cannot take orders just now. Please try again.") from error
    return placed


@app.get("/health")
async def health() -> Health:
    return Health(status="up")
