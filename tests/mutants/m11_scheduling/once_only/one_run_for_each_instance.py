"""Looks whether the hour has been settled, and lets every instance that sees it has not begin."""

MISTAKE = "G1"
FAILS = [
    "test_one_instance_settles_the_hour",
    "test_runs_do_not_overlap",
    "test_run_of_a_killed_instance_is_done_by_another",
]


import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler
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
    hour = newest_hour()
    if await redis.get(SETTLED) != hour:
        await settle(hour)
        await redis.set(SETTLED, hour)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler()
    # Not on the hour, but again and again: if a look comes late, or its process dies, the next one finds what is due.
    scheduler.add_job(
        settle_newest_hour,
        "interval",
        seconds=LOOK_SECONDS,
        next_run_time=datetime.now(UTC),
    )
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
async def read_settled() -> dict[str, Any]:
    return {"hour": await redis.get(SETTLED)}
