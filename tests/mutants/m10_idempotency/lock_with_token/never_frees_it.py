"""Leaves it to the expiry to free the lock."""

MISTAKE = "G7"
FAILS = ["test_one_report_at_a_time", "test_lock_is_free_when_the_answer_comes"]


import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

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
    token = uuid4().hex  # one for each holding, not for each process: an instance may be its own successor
    if not await redis.set(LOCK, token, nx=True, ex=LOCK_TTL_SECONDS):  # one command: taken and bound to expire
        raise HTTPException(409, "The report is being made.")
    yield


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
