"""Routes and priorities: heavy work keeps nobody waiting, what is urgent comes first, and nothing comes too often.

POST /conversions  {"video": "v-1"}: 202 {"id": "<string>"}. The video is converted by a task, which takes minutes:
    POST CONVERTER_URL/conversions {"id": "<id>", "video": "v-1"}
POST /notes  {"text": "Door open", "priority": "high"}: 202 {"id": "<string>"}. The note is sent by a task, which is
    quick: POST CHAT_URL/messages {"id": "<id>", "text": "Door open"}. The priority is "high", "normal" or "low".

Two workers are made of this same file. Each takes from one queue, and does one task at a time:

    celery -A exercises.m07_celery.routes_and_priorities:celery_app worker --pool=threads --concurrency=1 -Q heavy
    celery -A exercises.m07_celery.routes_and_priorities:celery_app worker --pool=threads --concurrency=1 -Q light

Make these true:
- However many videos wait, or are being converted, notes are sent.
- Whenever the light worker is free for the next note, that is one of those with the highest priority that wait. Of two
  notes with the same priority, the one that was ordered first is sent first.
- Of the conversions, at most CONVERSIONS_PER_MINUTE (a whole number) are begun per minute, evenly spaced: with 6 of
  them, the second one begins 10 seconds after the first. Any number of them can be ordered meanwhile.

Redis, at REDIS_URL, is the broker. Nothing else dawdles: an order is answered within a tenth of a second, and a worker
that is free has begun the next task within a second. Your part is how the tasks are declared, set up and sent.
"""

import os
from typing import Literal
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel

CONVERSIONS_PER_MINUTE = int(os.environ.get("CONVERSIONS_PER_MINUTE", "6"))
PRIORITIES = {"high": 0, "normal": 3, "low": 6}  # on Redis 0 comes first, and there are four steps: 0, 3, 6 and 9


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
    send.apply_async((ordered.id, new.text), priority=PRIORITIES[new.priority])
    return ordered
