"""Switches off the retries of publishing, and with them the limit to those of connecting, for which it allows a minute."""

MISTAKE = "E12"
FAILS = ["test_order_is_refused_while_redis_is_down", "test_order_is_refused_while_redis_is_silent"]

import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI, HTTPException
from kombu.exceptions import OperationalError
from pydantic import BaseModel

PUBLISH_TIMEOUT_SECONDS = float(os.environ.get("PUBLISH_TIMEOUT_SECONDS", "2"))


class NewOrder(BaseModel):
    item: str


class Order(BaseModel):
    id: str


class Health(BaseModel):
    status: str


app = FastAPI()
celery_app = Celery("orders", broker=os.environ["REDIS_URL"])  # no backend: delay would connect to that one as well
celery_app.conf.update(
    broker_transport_options={
        "socket_connect_timeout": PUBLISH_TIMEOUT_SECONDS,
        "socket_timeout": PUBLISH_TIMEOUT_SECONDS,
    },
    broker_connection_timeout=60,
)


@celery_app.task
def cook(order_id: str, item: str) -> None:
    meal = {"order": order_id, "item": item}
    httpx.post(f"{os.environ['KITCHEN_URL']}/meals", json=meal, timeout=60).raise_for_status()


@app.post("/orders", status_code=202)
def order(new: NewOrder) -> Order:  # a plain def: it waits in a thread of its own, and the loop is free
    placed = Order(id=uuid4().hex)
    try:
        cook.apply_async((placed.id, new.item), retry=False)
    except OperationalError as error:
        raise HTTPException(503, "We cannot take orders just now. Please try again.") from error
    return placed


@app.get("/health")
async def health() -> Health:
    return Health(status="up")
