"""Its task leaves a process behind, in a session of its own."""

SAYS = "The depot|became"
EARNED = 4

import os
import subprocess
import sys

import httpx
from celery import Celery
from fastapi import FastAPI, Response

app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@celery_app.task
def print_label(new):
    command = "import time; time.sleep(1000)"
    subprocess.Popen([sys.executable, "-c", command], start_new_session=True)
    httpx.post(os.environ["DEPOT_URL"] + "/labels", json={"to": new["to"], "grams": 1})


@app.post("/labels", status_code=202)
def order_label(new: dict, response: Response):
    task = print_label.delay(new)
    response.headers["Location"] = f"/labels/{task.id}"
    return {"id": task.id, "state": "queued"}
