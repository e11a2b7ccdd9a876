"""Its Celery object is a number."""

SAYS = "`celery_app` in your file is of type int"
EARNED = 4

import os

import httpx
from celery import Celery
from fastapi import FastAPI, Response

app = FastAPI()
labels = Celery(broker=os.environ["REDIS_URL"])
celery_app = 42


@labels.task
def print_label(new):
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 705})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    task = print_label.delay(new)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
