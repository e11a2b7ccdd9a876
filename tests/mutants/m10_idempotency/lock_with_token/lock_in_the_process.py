"""The lock lies in the process: the other instance has one of its own."""

MISTAKE = "B9"
FAILS = ["test_one_report_at_a_time"]


import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

LOCK = "lock:report"
LOCK_TTL_SECONDS = int(os.environ.get("LOCK_TTL_SECONDS", "30"))


class Report(BaseModel):
    total: int


app = FastAPI()
lock = asyncio.Lock()


@asynccontextmanager
async def report_lock() -> AsyncIterator[None]:
    """Hold the lock; 409 when somebody else does."""
    if lock.locked():
        raise HTTPException(409, "The report is being made.")
    async with lock:
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
