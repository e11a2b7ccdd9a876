"""Takes the lock in a script that also counts the holders: the count is the token, and never expires."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))

TAKE = """
if redis.call("EXISTS", KEYS[1]) == 1 then return false end
local number = redis.call("INCR", KEYS[2])
redis.call("SET", KEYS[1], number, "EX", ARGV[1])
return number
"""

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
take = redis.register_script(TAKE)
free = redis.register_script(FREE_IF_MINE)


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    token = await take(keys=[LOCK, "reports"], args=[LOCK_TTL_SECONDS])
    if token is None:
        raise HTTPException(409, "The report is being made.")
    try:
        yield
    finally:  # also when the report fails
        await free(keys=[LOCK], args=[token])


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
