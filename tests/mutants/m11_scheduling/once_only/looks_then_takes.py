"""Looks whether the lock is free, and then takes it."""

MISTAKE = "H1"
FAILS = ["test_one_instance_settles_the_hour"]


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
    if await redis.exists(LOCK):
        return
    await redis.set(LOCK, token, ex=LEASE_SECONDS)
    try:
        hour = newest_hour()
        if await redis.get(SETTLED) != hour:  # again: it may have been settled before the lock was free
            await settle(hour)
            await redis.set(SETTLED, hour)  # not before: a run that is killed has not been done
    finally:
        await redis.eval(FREE_IF_MINE, 1, LOCK, token)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler()
    # Not on the hour, but again and again: if a look comes late, or its process dies, the next one finds what is due.
    scheduler.add_job(
        settle_newest_hour,
        "interval",
        seconds=LOOK_SECONDS,
        next_run_time=datetime.now(UTC),
        max_instances=1,  # looks that cross in one instance would settle the hour twice by chance, in any behaviour
    )
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
async def read_settled() -> dict[str, Any]:
    return {"hour": await redis.get(SETTLED)}
