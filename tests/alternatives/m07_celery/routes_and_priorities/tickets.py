"""The notes lie in a sorted set of their own; a task is only a ticket for the most urgent one."""

import json
import os
from typing import Literal
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel
from redis import Redis

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
)
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
http = httpx.Client(timeout=600)


@celery_app.task(queue="heavy", rate_limit=f"{CONVERSIONS_PER_MINUTE}/m")  # per worker: here there is one for them
def convert(conversion_id: str, video: str) -> None:
    body = {"id": conversion_id, "video": video}
    http.post(f"{os.environ['CONVERTER_URL']}/conversions", json=body).raise_for_status()


@celery_app.task(queue="light")
def send() -> None:
    """Send the most urgent note, whichever it is: there are as many tasks as notes."""
    [(entry, _)] = redis.zpopmin("notes")
    _, note_id, text = json.loads(entry)
    http.post(f"{os.environ['CHAT_URL']}/messages", json={"id": note_id, "text": text}).raise_for_status()


@app.post("/conversions", status_code=202)
def order_conversion(new: NewConversion) -> Ordered:
    ordered = Ordered(id=uuid4().hex)
    convert.delay(ordered.id, new.video)
    return ordered


@app.post("/notes", status_code=202)
def order_note(new: NewNote) -> Ordered:
    ordered = Ordered(id=uuid4().hex)
    number = redis.incr("number of notes")
    entry = json.dumps([number, ordered.id, new.text])
    redis.zadd("notes", {entry: PRIORITIES[new.priority] * 10**12 + number})
    send.delay()
    return ordered
