"""Retries: an SMS gateway that is out of order now and then, and reminders that are not lost over it.

POST /reminders  {"to": "+4930123456", "text": "Tomorrow at ten"}: 202 {"id": "<string>", "status": "queued"}
GET /reminders/{id}: 200, the same fields; the status is "queued", "sent" or "dead"
GET /dead-letters: 200, a list of what is dead, each
    {"id": "<string>", "to": "...", "text": "...", "attempts": 4, "reason": "<a sentence that is not empty>"}
POST /dead-letters/{id}/replay: 202, {"id": "<string>", "status": "queued"}: it is no dead letter any more, and is
    attempted as if it were new. 404 when there is no such dead letter (any more): also to one of two who replay it at
    the same moment.

A worker, made of this same file, makes the attempts: POST GATEWAY_URL/sms {"id": "<id>", "to": "...", "text": "..."}.
- The gateway answers with success: the reminder is sent.
- It answers 429 or 5xx, or gives no answer at all: another time it may succeed. Attempt number n is followed by the
  next one after at most RETRY_BASE_SECONDS * 2**(n - 1) seconds, and never more than RETRY_CAP_SECONDS. How long
  exactly is drawn at random for each reminder, from the upper half of that time or from all of it. MAX_ATTEMPTS is how
  many attempts there are in all; when the last one has failed, the reminder is dead.
- It answers with any other error: it would do so again, and the reminder is dead at once.

All three settings are whole numbers. Whatever has to be remembered lies in Redis, at REDIS_URL, which is the broker,
too. Until its next attempt a reminder is a message of Celery's that is not to be run before its time (its eta, which
the grader reads), and the worker does something else. Nothing else dawdles: an effect follows its cause within a tenth
of a second. Your part is the task, the dead letters, and what they need. The grader starts the worker so:

    celery -A exercises.m07_celery.retries:celery_app worker --pool=threads --concurrency=1
"""

import os
from uuid import uuid4

import httpx
from celery import Celery, Task
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis import Redis

MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "5"))
RETRY_BASE_SECONDS = int(os.environ.get("RETRY_BASE_SECONDS", "2"))
RETRY_CAP_SECONDS = int(os.environ.get("RETRY_CAP_SECONDS", "600"))
STATUS = "status"


class NewReminder(BaseModel):
    to: str
    text: str


class Reminder(BaseModel):
    id: str
    status: str


class DeadLetter(NewReminder):
    id: str
    attempts: int
    reason: str


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
celery_app = Celery("reminders", broker=os.environ["REDIS_URL"])
celery_app.conf.task_ignore_result = True
gateway = httpx.Client(base_url=os.environ["GATEWAY_URL"], timeout=10)


def send(reminder_id: str, to: str, text: str) -> None:
    """Have the gateway send it; httpx.HTTPStatusError for an error status, httpx.TransportError for no answer."""
    gateway.post("/sms", json={"id": reminder_id, "to": to, "text": text}).raise_for_status()


@celery_app.task(bind=True)
def attempt(self: Task, reminder_id: str, to: str, text: str) -> None:
    """Send a reminder, or see to it that it is attempted again, or that it is a dead letter."""
    try:
        send(reminder_id, to, text)
    except httpx.HTTPError as error:
        # Your part: as it is, whatever fails is attempted again three minutes later, three times. Then it is gone.
        raise self.retry() from error
    redis.hset(STATUS, reminder_id, "sent")


def queue(reminder_id: str, new: NewReminder) -> Reminder:
    """Have it attempted, as one that has all its attempts before it."""
    redis.hset(STATUS, reminder_id, "queued")  # before a worker can know better
    attempt.delay(reminder_id, new.to, new.text)
    return Reminder(id=reminder_id, status="queued")


@app.post("/reminders", status_code=202)
def remind(new: NewReminder) -> Reminder:
    return queue(uuid4().hex, new)


@app.get("/reminders/{reminder_id}")
def read_reminder(reminder_id: str) -> Reminder:
    status = redis.hget(STATUS, reminder_id)
    if status is None:
        raise HTTPException(404)
    return Reminder(id=reminder_id, status=str(status))


@app.get("/dead-letters")
def list_dead_letters() -> list[DeadLetter]:
    return []


@app.post("/dead-letters/{reminder_id}/replay", status_code=202)
def replay(reminder_id: str) -> Reminder:  # noqa: ARG001 - until you use it
    raise HTTPException(404)
