"""Retries and dead letters: a text message is sent, or somebody can see that it was not, and why.

POST /messages  {"to": "+491701234567", "text": "Your parcel is here."}
    202 Accepted, {"id": "<string>", "to": "...", "text": "..."}
GET /dead-letters
    200, a list of {"id": "...", "to": "...", "text": "...", "error": "<string, not empty>", "attempts": <whole number>}
POST /dead-letters/{id}/replay
    202 {"id": "...", "to": "...", "text": "..."}: from now on it is a new message, with attempts of its own and the old
    id or another, and no dead letter any more; 404 for an id that no dead letter has

An ARQ worker hands each message to the gateway: POST GATEWAY_URL/messages {"to": "...", "text": "..."}, which is
answered 201. Make these true:

- The gateway answers with a 5xx status, or hangs up: that may pass. The message is tried again RETRY_BASE_SECONDS
  after the first failed attempt, twice as long after the second one, and so on. A wait may be longer by up to a half,
  and never shorter. It is the queue that waits: the worker has other things to do.
- The gateway answers with a 4xx status: that will not pass. The message is a dead letter at once.
- A message that has failed MAX_ATTEMPTS times (a whole number from 1; the first attempt counts) is a dead letter.
  All its waits together are less than a day: for so long ARQ keeps a job.
- A dead letter says how many attempts there were, and what went wrong in the last one.
- No message vanishes, though a worker be killed in the middle of an attempt, even of the last: in the end it is sent
  or a dead letter. (It may be sent twice then.) A killed worker's job is taken up again when ARQ's lease has ended.

Redis is at REDIS_URL. Your part is send, replay and WorkerSettings; bury is there to be used. The grader runs `arq` on
this file and lets it look into the queue every hundredth of a second. Nothing else may dawdle: in a quick world an
effect follows its cause within a tenth of a second.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from arq import ArqRedis, create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
MAX_ATTEMPTS = int(os.environ.get("MAX_ATTEMPTS", "5"))
RETRY_BASE_SECONDS = float(os.environ.get("RETRY_BASE_SECONDS", "60"))
DEAD_LETTERS = "dead-letters"


class NewMessage(BaseModel):
    to: str
    text: str


class Message(NewMessage):
    id: str


class DeadLetter(Message):
    error: str
    attempts: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.queue = await create_pool(REDIS)
    yield
    await app.state.queue.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/messages", status_code=202)
async def accept(new: NewMessage, request: Request) -> Message:
    message = Message(id=uuid4().hex, **new.model_dump())
    await request.app.state.queue.enqueue_job("send", message.model_dump())
    return message


@app.get("/dead-letters")
async def read_dead_letters(request: Request) -> list[DeadLetter]:
    found = await request.app.state.queue.hvals(DEAD_LETTERS)
    return [DeadLetter.model_validate_json(letter) for letter in found]


@app.post("/dead-letters/{letter_id}/replay", status_code=202)
async def replay(letter_id: str, request: Request) -> Message:
    found = await request.app.state.queue.hget(DEAD_LETTERS, letter_id)
    if found is None:
        raise HTTPException(404)
    return Message.model_validate_json(found)  # Your part: who sends it?


async def bury(redis: ArqRedis, message: Message, error: str, attempts: int) -> None:
    """Keep a message that will not be sent; once more for the same one changes only what is said of it."""
    letter = DeadLetter(**message.model_dump(), error=error, attempts=attempts)
    await redis.hset(DEAD_LETTERS, message.id, letter.model_dump_json())


async def ask_gateway(message: Message) -> None:
    """Raise httpx.HTTPStatusError for 4xx and 5xx, another httpx.HTTPError when there is no answer."""
    async with httpx.AsyncClient(base_url=os.environ["GATEWAY_URL"], timeout=60) as gateway:
        answer = await gateway.post("/messages", json={"to": message.to, "text": message.text})
        answer.raise_for_status()


async def send(ctx: dict[str, Any], fields: dict[str, str]) -> None:
    message, attempt = Message(**fields), ctx["job_try"]
    print(f"attempt {attempt} of {MAX_ATTEMPTS}")  # noqa: T201 - a worker's output is its log
    await ask_gateway(message)  # Your part: whatever goes wrong, ARQ will try again, will it not?


class WorkerSettings:
    functions = (send,)
    redis_settings = REDIS
    max_tries = MAX_ATTEMPTS  # Your part.
