"""Sends notes in the order in which they came."""

MISTAKE = "fact 34"
FAILS = ["test_urgent_notes_come_first"]


import os
from typing import Literal
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

CONVERSIONS_PER_MINUTE = int(os.environ.get("CONVERSIONS_PER_MINUTE", "6"))


class NewConversion(BaseModel):
    video: str


class NewNote(BaseModel):
    text: str
    priority: Literal["high", "normal", "low"]


class Ordered(BaseModel):
    id: str


app = FastAPI()
celery_app = Celery("building", broker=os.environ["REDIS_URL"])
celery_app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # with the next setting: a worker takes a task when it is free, and leaves the others
    worker_prefetch_multiplier=1,
)
http = httpx.Client(timeout=600)


@celery_app.task(queue="heavy", rate_limit=f"{CONVERSIONS_PER_MINUTE}/m")  # per worker: here there is one for them
def convert(conversion_id: str, video: str) -> None:
    body = {"id": conversion_id, "video": video}
    http.post(f"{os.environ['CONVERTER_URL']}/conversions", json=body).raise_for_status()


@celery_app.task(queue="light")
def send(note_id: str, text: str) -> None:
    http.post(f"{os.environ['CHAT_URL']}/messages", json={"id": note_id, "text": text}).raise_for_status()


@app.post("/conversions", status_code=202)
def order_conversion(new: NewConversion) -> Ordered:
    ordered = Ordered(id=uuid4().hex)
    convert.delay(ordered.id, new.video)
    return ordered


@app.post("/notes", status_code=202)
def order_note(new: NewNote) -> Ordered:
    ordered = Ordered(id=uuid4().hex)
    send.apply_async((ordered.id, new.text))
    return ordered
