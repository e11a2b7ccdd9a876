"""The first task: a label that is printed by somebody else.

POST /labels  {"to": "Ada Lovelace", "articles": {"17": 2, "4": 1}}, how many of which article (all stand in GRAMS)
    202 Accepted, {"id": "<string>", "state": "queued"}, and a Location header that leads to the label. Each order is a
    label of its own, even if it says the same as an earlier one.
GET /labels/{id}: 200 {"id": "<string>", "state": "queued"}, as long as it is not printed, whether or not a worker is
    there; afterwards the state is "printed". An id that was never given out: 404.

The depot prints: POST DEPOT_URL/labels {"to": "Ada Lovelace", "grams": 705}, once for each label. It always answers
201, but may take its time, and nobody waits for it: the service only puts a task into the queue, in Redis at REDIS_URL,
and never talks to the depot. The worker is another process, made of this same file by

    celery -A exercises.m07_celery.first_task:celery_app worker --pool=threads --concurrency=1

and may be started later. What lies in the queue is JSON. One worker prints many labels, one after the other. Nothing
dawdles: an effect follows its cause within a tenth of a second.

Your part is order_label and read_label, and the task that is missing: as it is, the visitor waits for the depot, is
told 200, and the worker has nothing to do. There is one instance of the service, and it may keep things in its memory.
"""

import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI, HTTPException
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


async def tell_depot(new: NewLabel) -> None:
    """Have one label printed; return when the depot has done it."""
    grams = sum(GRAMS[article] * count for article, count in new.articles.items())
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        answer = await depot.post("/labels", json={"to": new.to, "grams": grams})
        answer.raise_for_status()


@app.post("/labels")
async def order_label(new: NewLabel) -> Label:
    label = Label(id=uuid4().hex, state="printed")
    await tell_depot(new)  # Your part: the visitor waits here, and what has to be done is in no queue.
    ordered.add(label.id)
    return label


@app.get("/labels/{label_id}")
async def read_label(label_id: str) -> Label:
    if label_id not in ordered:
        raise HTTPException(404)
    return Label(id=label_id, state="printed")
