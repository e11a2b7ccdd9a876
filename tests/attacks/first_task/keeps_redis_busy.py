"""Has Redis run a script that never ends."""

SAYS = "answered with nothing"
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
    Redis.from_url(os.environ["REDIS_URL"]).eval("while true do end", 0)
    task = print_label.delay(new)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
