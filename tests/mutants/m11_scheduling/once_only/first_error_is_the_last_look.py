"""Looks in a loop of its own, which the first error ends without a word."""

MISTAKE = "A7"
FAILS = ["test_instance_comes_up_and_goes_on_looking"]


import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis

SETTLED, LOCK = "settled", "lock:settle"
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "30"))
LOOK_SECONDS = float(os.environ.get("LOOK_SECONDS", "1"))

FREE_IF_MINE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    return redis.call("DEL", KEYS[1])
end
return 0
"""

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def newest_hour() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H}:00:00Z"


async def settle(hour: str) -> None:
    """Tell the bank; return when it has answered."""
    async with httpx.AsyncClient(base_url=os.environ["BANK_URL"], timeout=60) as bank:
        answer = await bank.post("/settlements", json={"hour": hour})
        answer.raise_for_status()


async def settle_newest_hour() -> None:
    if await redis.get(SETTLED) == newest_hour():  # it lies where every instance sees it, and the next one too
        return
    token = uuid4().hex
    if not await redis.set(LOCK, token, nx=True, ex=LEASE_SECONDS):  # one lock for the job, not one for each hour
        return
    try:
        hour = newest_hour()
        if await redis.get(SETTLED) != hour:  # again: it may have been settled before the lock was free
            await settle(hour)
            await redis.set(SETTLED, hour)  # not before: a run that is killed has not been done
    finally:
        await redis.eval(FREE_IF_MINE, 1, LOCK, token)


async def look_for_ever() -> None:
    while True:
        await settle_newest_hour()
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    looking = asyncio.create_task(look_for_ever())
    yield
    looking.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
async def read_settled() -> dict[str, Any]:
    return {"hour": await redis.get(SETTLED)}
