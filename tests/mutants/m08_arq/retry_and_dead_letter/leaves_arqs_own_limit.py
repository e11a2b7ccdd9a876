"""Counts and buries by itself, and leaves ARQ its own limit: whoever wants more attempts than five loses messages."""

MISTAKE = "J5"
FAILS = ["test_last_attempt"]

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from arq import ArqRedis, Retry, create_pool
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
    queue: ArqRedis = request.app.state.queue
    found = await queue.hget(DEAD_LETTERS, letter_id)
    if found is None:
        raise HTTPException(404)
    message = Message.model_validate_json(found).model_copy(update={"id": uuid4().hex})
    # A job of its own, with tries of its own. And first this, then the other: whoever dies in between has lost nothing.
    # An id of its own, too: if the worker buries it meanwhile, that letter is not the one that is deleted here.
    job = await queue.enqueue_job("send", message.model_dump(), _job_id=f"replay:{letter_id}")
    await queue.hdel(DEAD_LETTERS, letter_id)
    if job is None:  # somebody else has pressed the button as well, and was first
        raise HTTPException(404)
    return message


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
    if attempt > MAX_ATTEMPTS:  # the last one was begun and never ended
        await bury(ctx["redis"], message, "The worker was stopped, or died.", attempt - 1)
        return
    try:
        await ask_gateway(message)
    except httpx.HTTPError as error:
        answer = error.response if isinstance(error, httpx.HTTPStatusError) else None
        may_pass = answer is None or answer.is_server_error
        if may_pass and attempt < MAX_ATTEMPTS:
            wait = RETRY_BASE_SECONDS * 2 ** (attempt - 1)
            raise Retry(defer=wait * random.uniform(1, 1.5)) from error
        await bury(ctx["redis"], message, repr(error), attempt)


class WorkerSettings:
    functions = (send,)
    redis_settings = REDIS
