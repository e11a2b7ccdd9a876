"""Makes the id of what the order says: a second parcel with the same in it gets no label."""

MISTAKE = "D9"
FAILS = ["test_labels_are_printed_one_after_the_other"]


import asyncio
import os
from uuid import NAMESPACE_URL, uuid5

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


async def tell_depot(new: NewLabel) -> None:
    """Have one label printed; return when the depot has done it."""
    grams = sum(GRAMS[article] * count for article, count in new.articles.items())
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        answer = await depot.post("/labels", json={"to": new.to, "grams": grams})
        answer.raise_for_status()


@celery_app.task
def print_label(new: object) -> None:  # a plain function: a worker calls its tasks, it does not await them
    asyncio.run(tell_depot(NewLabel.model_validate(new)))


@app.post("/labels", status_code=202)
def order_label(new: NewLabel, response: Response) -> Label:  # not async: to publish is to talk to Redis
    label_id = uuid5(NAMESPACE_URL, new.model_dump_json()).hex
    if label_id not in ordered:
        print_label.apply_async((new.model_dump(mode="json"),), task_id=label_id)
        ordered.add(label_id)
    response.headers["Location"] = f"/labels/{label_id}"
    return Label(id=label_id, state="queued")


@app.get("/labels/{label_id}")
def read_label(label_id: str) -> Label:
    if label_id not in ordered:  # Celery calls any id PENDING; only we know which ones we gave out
        raise HTTPException(404)
    done = celery_app.AsyncResult(label_id).successful()
    return Label(id=label_id, state="printed" if done else "queued")
