"""Has a deadline for who waits, and none for the thread: it tries again, and publishes what was refused."""

MISTAKE = "E12"
FAILS = ["test_service_recovers_by_itself"]


import asyncio
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


@celery_app.task
def cook(order_id: str, item: str) -> None:
    meal = {"order": order_id, "item": item}
    httpx.post(f"{os.environ['KITCHEN_URL']}/meals", json=meal, timeout=60).raise_for_status()


@app.post("/orders", status_code=202)
async def order(new: NewOrder) -> Order:
    placed = Order(id=uuid4().hex)
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            await asyncio.to_thread(cook.delay, placed.id, new.item)
    except (OperationalError, TimeoutError):
        raise HTTPException(503) from None
    return placed


@app.get("/health")
async def health() -> Health:
    return Health(status="up")
