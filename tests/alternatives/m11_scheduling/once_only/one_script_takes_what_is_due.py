"""Right: one script looks and takes, another one marks and frees."""

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

TAKE_IF_DUE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    return 0
end
if redis.call("SET", KEYS[2], ARGV[2], "NX", "EX", ARGV[3]) then
    return 1
end
return 0
"""
MARK_AND_FREE = """
redis.call("SET", KEYS[1], ARGV[1])
if redis.call("GET", KEYS[2]) == ARGV[2] then
    redis.call("DEL", KEYS[2])
end
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
    hour, token = newest_hour(), uuid4().hex
    if await redis.eval(TAKE_IF_DUE, 2, SETTLED, LOCK, hour, token, LEASE_SECONDS):
        await settle(hour)
        await redis.eval(MARK_AND_FREE, 2, SETTLED, LOCK, hour, token)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler()
    # Not on the hour, but again and again: if a look comes late, or its process dies, the next one finds what is due.
    scheduler.add_job(
        settle_newest_hour,
        "interval",
        seconds=LOOK_SECONDS,
        next_run_time=datetime.now(UTC),
        max_instances=2,  # one that is at work, and one that looks and finds the lock
    )
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
async def read_settled() -> dict[str, Any]:
    return {"hour": await redis.get(SETTLED)}
