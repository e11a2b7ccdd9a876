"""Right: one instance leads, for as long as it renews its lease; each look is a bid for it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI
from redis.asyncio import Redis

SETTLED, LOCK = "settled", "lock:settle"
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "30"))
LOOK_SECONDS = float(os.environ.get("LOOK_SECONDS", "1"))

LEAD = """
local leader = redis.call("GET", KEYS[1])
if leader == ARGV[1] then
    return redis.call("EXPIRE", KEYS[1], ARGV[2])
end
if not leader then
    redis.call("SET", KEYS[1], ARGV[1], "EX", ARGV[2])
    return 1
end
return 0
"""
ME = uuid4().hex

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def newest_hour() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H}:00:00Z"


async def settle(hour: str) -> None:
    """Tell the bank; return when it has answered."""
    async with httpx.AsyncClient(base_url=os.environ["BANK_URL"], timeout=60) as bank:
        answer = await bank.post("/settlements", json={"hour": hour})
        answer.raise_for_status()


async def lead() -> bool:
    return bool(await redis.eval(LEAD, 1, LOCK, ME, LEASE_SECONDS))


async def settle_newest_hour() -> None:
    hour = newest_hour()
    if await lead() and await redis.get(SETTLED) != hour:
        await settle(hour)
        await redis.set(SETTLED, hour)


async def look_for_ever() -> None:
    while True:
        with contextlib.suppress(Exception):
            await settle_newest_hour()
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler()
    scheduler.add_job(lead, "interval", seconds=LOOK_SECONDS)
    scheduler.start()
    looking = asyncio.create_task(look_for_ever())
    yield
    looking.cancel()
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
async def read_settled() -> dict[str, Any]:
    return {"hour": await redis.get(SETTLED)}
