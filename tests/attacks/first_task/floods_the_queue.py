"""Puts messages into the queue until Redis takes no more."""

SAYS = "no Celery task as JSON|Redis refused|answered with nothing"
EARNED = (0, 1)

import os
import contextlib

import httpx
from celery import Celery
from fastapi import FastAPI, Response
from redis import Redis, RedisError

app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery_app.task
def print_label(new):
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 705})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    server = Redis.from_url(os.environ["REDIS_URL"])
    task = print_label.delay(new)
    with contextlib.suppress(RedisError):
        while True:
            server.lpush("celery", *[b"{}" * 10_000] * 100)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
