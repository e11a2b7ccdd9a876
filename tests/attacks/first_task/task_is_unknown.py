"""Calls its task by a name that no worker knows."""

SAYS = "Your worker was sent the task 'labels.print', and knows none of that name"
EARNED = 4

import os

import httpx
from celery import Celery
from fastapi import FastAPI, Response

app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery_app.task
def print_label(new):
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 705})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    task = celery_app.send_task("labels.print", [new])
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
