"""Waits inside the job until the next attempt."""

MISTAKE = "J4"
FAILS = ["test_trouble_that_may_pass", "test_waits_grow"]


import asyncio
import os
import random
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
    queue: ArqRedis = request.app.state.queue
    found = await queue.hget(DEAD_LETTERS, letter_id)
    if found is None:
        raise HTTPException(404)
    message = Message.model_validate_json(found).model_copy(update={"id": uuid4().hex})
    # A job of its own, with tries of its own. And first this, then the other: whoever dies in between has lost nothing.
    await queue.enqueue_job("send", message.model_dump())
    await queue.hdel(DEAD_LETTERS, letter_id)
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
    message = Message(**fields)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if ctx["job_try"] > MAX_ATTEMPTS:
            return await bury(ctx["redis"], message, "The worker died.", MAX_ATTEMPTS)
        try:
            return await ask_gateway(message)
        except httpx.HTTPError as error:
            answer = error.response if isinstance(error, httpx.HTTPStatusError) else None
            may_pass = answer is None or answer.is_server_error
            if not may_pass or attempt == MAX_ATTEMPTS:
                return await bury(ctx["redis"], message, repr(error), attempt)
        await asyncio.sleep(RETRY_BASE_SECONDS * 2 ** (attempt - 1) * random.uniform(1, 1.5))


class WorkerSettings:
    functions = (send,)
    redis_settings = REDIS
    # Out of reach: it is send that counts and buries. Past its own limit, ARQ drops the job without calling it.
    max_tries = 1_000_000
