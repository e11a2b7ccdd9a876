"""Computes the weight before it sends the task, and asks the depot with a plain client."""

import os

import httpx
from celery import Celery
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

GRAMS = {4: 25, 17: 340, 29: 1200}


class NewLabel(BaseModel):
    to: str
    articles: dict[int, int]


class Label(BaseModel):
    id: str
    state: str


app = FastAPI()
celery_app = Celery("labels", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
ordered: set[str] = set()


@celery_app.task(name="labels.print", bind=True, max_retries=0)
def print_label(self, *, to: str, grams: int) -> None:
    httpx.post(f"{os.environ['DEPOT_URL']}/labels", json={"to": to, "grams": grams}, timeout=60).raise_for_status()


@app.post("/labels", status_code=202)
def order_label(new: NewLabel, response: Response) -> Label:  # not async: to publish is to talk to Redis
    grams = sum(GRAMS[article] * count for article, count in new.articles.items())
    task = celery_app.send_task("labels.print", kwargs={"to": new.to, "grams": grams})
    ordered.add(task.id)
    response.headers["Location"] = f"/labels/{task.id}"
    return Label(id=task.id, state="queued")


@app.get("/labels/{label_id}")
def read_label(label_id: str) -> Label:
    if label_id not in ordered:  # Celery calls any id PENDING; only we know which ones we gave out
        raise HTTPException(404)
    done = celery_app.AsyncResult(label_id).successful()
    return Label(id=label_id, state="printed" if done else "queued")
