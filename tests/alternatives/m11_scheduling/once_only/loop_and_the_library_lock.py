"""Right: a loop instead of a scheduler, and the library's lock."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis

SETTLED, LOCK = "settled", "lock:settle"
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "30"))
LOOK_SECONDS = float(os.environ.get("LOOK_SECONDS", "1"))

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def newest_hour() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H}:00:00Z"


async def settle(hour: str) -> None:
    """Tell the bank; return when it has answered."""
    async with httpx.AsyncClient(base_url=os.environ["BANK_URL"], timeout=60) as bank:
        answer = await bank.post("/settlements", json={"hour": hour})
        answer.raise_for_status()


async def settle_newest_hour() -> None:
    if await redis.get(SETTLED) == newest_hour():
        return
    lock = redis.lock(LOCK, timeout=LEASE_SECONDS, blocking=False)
    if not await lock.acquire():
        return
    try:
        hour = newest_hour()
        if await redis.get(SETTLED) != hour:
            await settle(hour)
            await redis.set(SETTLED, hour)
    finally:
        await lock.release()


async def look_for_ever() -> None:
    while True:
        try:
            await settle_newest_hour()
        except Exception:
            logging.exception("the hour could not be settled")
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
