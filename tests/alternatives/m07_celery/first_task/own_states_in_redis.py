"""States of its own in Redis, written by whoever knows, and no results of Celery's; a queue of its own, too."""

import asyncio
import os
from uuid import uuid4

import httpx
from celery import Celery
from kombu import Queue
from redis import Redis
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
celery_app = Celery("labels", broker=os.environ["REDIS_URL"])
celery_app.conf.update(
    task_queues=[Queue("labels"), Queue("celery")], task_routes={"print": {"queue": "labels"}}, task_ignore_result=True
)
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


async def tell_depot(new: NewLabel) -> None:
    """Have one label printed; return when the depot has done it."""
    grams = sum(GRAMS[article] * count for article, count in new.articles.items())
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        answer = await depot.post("/labels", json={"to": new.to, "grams": grams})
        answer.raise_for_status()


@celery_app.task(name="print")
def print_label(label_id: str, new: object) -> None:
    asyncio.run(tell_depot(NewLabel.model_validate(new)))
    redis.hset(f"label:{label_id}", "state", "printed")


@app.post("/labels", status_code=202)
def order_label(new: NewLabel, response: Response) -> Label:  # not async: to publish is to talk to Redis
    label = Label(id=uuid4().hex, state="queued")
    redis.hset(f"label:{label.id}", mapping=label.model_dump())
    print_label.apply_async((label.id, new.model_dump(mode="json")), task_id=label.id)
    response.headers["Location"] = f"/labels/{label.id}"
    return label


@app.get("/labels/{label_id}")
def read_label(label_id: str) -> Label:
    found = redis.hgetall(f"label:{label_id}")
    if not found:
        raise HTTPException(404)
    return Label(**found)
