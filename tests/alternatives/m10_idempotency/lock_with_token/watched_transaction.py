"""The token is compared under WATCH and deleted in a transaction that fails when the key has changed."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import WatchError

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))


class Report(BaseModel):
    total: int


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"])


async def free(token: str) -> None:
    async with redis.pipeline() as transaction:
        await transaction.watch(LOCK)
        if await transaction.get(LOCK) != token.encode():
            return
        transaction.multi()
        transaction.delete(LOCK)
        try:
            await transaction.execute()
        except WatchError:
            pass


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    token = uuid4().hex  # one for each holding, not for each process: an instance may be its own successor
    if not await redis.set(LOCK, token, nx=True, ex=LOCK_TTL_SECONDS):  # one command: taken and bound to expire
        raise HTTPException(409, "The report is being made.")
    try:
        yield
    finally:  # also when the report fails
        await free(token)


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
