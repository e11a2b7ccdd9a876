"""Takes and sets the expiry in one transaction, also when it takes nothing: who asks prolongs it."""

MISTAKE = "I2"
FAILS = ["test_killed_owner_does_not_block_for_ever"]


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

FREE_IF_MINE = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    return redis.call("DEL", KEYS[1])
end
return 0
"""  # a script runs as a whole: nobody can take the lock between the look and the DEL


class Report(BaseModel):
    total: int


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    token = uuid4().hex  # one for each holding, not for each process: an instance may be its own successor
    async with redis.pipeline(transaction=True) as steps:
        taken, _ = await steps.setnx(LOCK, token).expire(LOCK, LOCK_TTL_SECONDS).execute()
    if not taken:
        raise HTTPException(409, "The report is being made.")
    try:
        yield
    finally:  # also when the report fails
        await redis.eval(FREE_IF_MINE, 1, LOCK, token)


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
