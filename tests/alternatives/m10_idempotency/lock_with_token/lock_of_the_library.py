"""The library's own lock, a new object for each report; it compares tokens in a script."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import LockNotOwnedError

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))


class Report(BaseModel):
    total: int


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    lock = redis.lock(LOCK, timeout=LOCK_TTL_SECONDS, blocking=False)
    if not await lock.acquire():
        raise HTTPException(409, "The report is being made.")
    try:
        yield
    finally:  # also when the report fails
        try:
            await lock.release()
        except LockNotOwnedError:
            pass


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
