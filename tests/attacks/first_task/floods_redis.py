"""Fills Redis with all that it takes."""

SAYS = "answered with (500|nothing)"
EARNED = 0

import os

import httpx
from celery import Celery
from fastapi import FastAPI, Response
from redis import Redis

app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery_app.task
def print_label(new):
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 705})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    server = Redis.from_url(os.environ["REDIS_URL"])
    for number in range(10_000):
        server.set(f"flood-{number}", b"x" * 1_000_000)
    task = print_label.delay(new)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
