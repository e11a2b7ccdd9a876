"""The lock with a token: a nightly report, made by one instance at a time.

POST /reports makes the report, and answers when it is made. All it takes is one question to the ledger,
GET LEDGER_URL/total, which is answered 200 {"total": 1200}.
    201 {"total": 1200}
    409 at once, while the lock is held, by this instance or by another one
    502 when the ledger hangs up, or answers with an error status

Several instances of this service run, and at midnight all their timers post at the same moment. They share a Redis
server, at REDIS_URL, and there the lock lies. Make these true:

- Of requests that come at the same moment, exactly one makes the report.
- When 201 or 502 is answered, the lock is free again.
- The lock is a key that expires in Redis, LOCK_TTL_SECONDS (a whole number) after it was taken. So an owner that is
  killed, at whatever moment, blocks the others for no longer than that, however often they ask.
- A report may take longer than that. Then the next one may take the lock, even in the same instance, while the late one
  is still made. Who is late frees nobody else's lock, however close the race. What it answers its visitor is up to you.

Your part is report_lock. Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))


class Report(BaseModel):
    total: int


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    # Your part: as it is, the lock has no owner and no end.
    if not await redis.set(LOCK, "taken", nx=True):
        raise HTTPException(409, "The report is being made.")
    yield
    await redis.delete(LOCK)


async def ask_ledger() -> Report:
    async with httpx.AsyncClient(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
        answer = await ledger.get("/total")
        answer.raise_for_status()
        return Report.model_validate(answer.json())


@app.post("/reports", status_code=201)
async def make_report() -> Report:
    async with report_lock():
        try:
            return await ask_ledger()
        except httpx.HTTPError as error:
            raise HTTPException(502, "The ledger gave no total.") from error
