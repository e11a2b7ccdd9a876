"""Its worker waits for ever before it takes a task."""

SAYS = "Your Celery worker never got ready"
EARNED = 4

import os
import threading

import httpx
from celery import Celery
from celery.signals import worker_init
from fastapi import FastAPI, Response

app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@worker_init.connect
def wait(**_sent):
    threading.Event().wait()


@celery_app.task
def print_label(new):
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 705})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    task = print_label.delay(new)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
