"""Right: a scheduler with threads, and a transaction that fails when somebody else was quicker."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from redis import Redis, WatchError

SETTLED, LOCK = "settled", "lock:settle"
LEASE_SECONDS = int(os.environ.get("LEASE_SECONDS", "30"))
LOOK_SECONDS = float(os.environ.get("LOOK_SECONDS", "1"))

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def newest_hour() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H}:00:00Z"


def settle(hour: str) -> None:
    """Tell the bank; return when it has answered."""
    with httpx.Client(base_url=os.environ["BANK_URL"], timeout=60) as bank:
        answer = bank.post("/settlements", json={"hour": hour})
        answer.raise_for_status()


def settle_newest_hour() -> None:
    hour, token = newest_hour(), uuid4().hex
    with redis.pipeline() as row:
        row.watch(SETTLED, LOCK)
        if row.get(SETTLED) == hour or row.exists(LOCK):
            return
        row.multi()
        row.set(LOCK, token, ex=LEASE_SECONDS)
        try:
            row.execute()
        except WatchError:
            return
    settle(hour)
    with redis.pipeline() as row:
        row.watch(LOCK)
        mine = row.get(LOCK) == token
        row.multi()
        row.set(SETTLED, hour)
        if mine:
            row.delete(LOCK)
        row.execute()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler = BackgroundScheduler()
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
    scheduler.shutdown(wait=False)


app = FastAPI(lifespan=lifespan)


@app.get("/settled")
def read_settled() -> dict[str, Any]:
    return {"hour": redis.get(SETTLED)}
