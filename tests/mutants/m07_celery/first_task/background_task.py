"""Leaves the work to the service itself, in the background: it is in no queue."""

MISTAKE = "A15"
FAILS = ["test_work_waits_in_the_queue"]

import asyncio
import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import BackgroundTasks, FastAPI, HTTPException, Response
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
def order_label(new: NewLabel, response: Response, tasks: BackgroundTasks) -> Label:
    label_id = uuid4().hex
    tasks.add_task(print_label, new.model_dump(mode="json"))
    ordered.add(label_id)
    response.headers["Location"] = f"/labels/{label_id}"
    return Label(id=label_id, state="queued")


@app.get("/labels/{label_id}")
def read_label(label_id: str) -> Label:
    if label_id not in ordered:  # Celery calls any id PENDING; only we know which ones we gave out
        raise HTTPException(404)
    done = celery_app.AsyncResult(label_id).successful()
    return Label(id=label_id, state="printed" if done else "queued")
