"""The job keeps a record of its own in Redis, by the worker's hooks; ARQ's results are not kept at all."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.constants import default_queue_name, in_progress_key_prefix
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
RESULT_SECONDS = int(os.environ.get("RESULT_SECONDS", "3600"))


class NewReport(BaseModel):
    month: str
    delay: int = 0


class Accepted(BaseModel):
    id: str


class Report(BaseModel):
    id: str
    status: str
    total: int | None = None
    error: str | None = None


class Queue(BaseModel):
    waiting: int
    running: int


async def make_report(ctx: dict[str, Any], month: str) -> None:
    """Ask the ledger for a month's total."""
    record = {"status": "failed", "error": "The ledger gave no total."}
    try:
        async with httpx.AsyncClient(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
            answer = await ledger.get("/total", params={"month": month})
            answer.raise_for_status()
            record = {"status": "done", "total": answer.json()["total"]}
    except httpx.HTTPError:
        pass
    key = f"report:{ctx['job_id']}"
    async with ctx["redis"].pipeline(transaction=True) as pipe:
        await pipe.hset(key, mapping=record).expire(key, RESULT_SECONDS).execute()


async def begin(ctx: dict[str, Any]) -> None:
    """Say that a worker is at it."""
    await ctx["redis"].hset(f"report:{ctx['job_id']}", "status", "running")


class WorkerSettings:
    functions = (make_report,)
    redis_settings = REDIS
    keep_result = 0
    on_job_start = begin


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await create_pool(REDIS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/reports", status_code=202)
async def ask_for_report(new: NewReport, request: Request, response: Response) -> Accepted:
    pool, report_id = request.app.state.pool, uuid4().hex
    await pool.hset(f"report:{report_id}", mapping={"status": "queued", "due": time.time() + new.delay})
    await pool.enqueue_job("make_report", new.month, _job_id=report_id, _defer_by=new.delay)
    response.headers["Location"] = f"/reports/{report_id}"
    return Accepted(id=report_id)


@app.get("/reports/{report_id}")
async def read_report(report_id: str, request: Request) -> Report:
    record = await request.app.state.pool.hgetall(f"report:{report_id}")
    if not record:
        raise HTTPException(404)
    told = {key.decode(): value.decode() for key, value in record.items()}
    due = float(told.pop("due"))
    if told["status"] == "queued" and due > time.time():
        told["status"] = "scheduled"
    return Report(id=report_id, **told)


@app.get("/queue")
async def read_queue(request: Request) -> Queue:
    pool = request.app.state.pool
    jobs = await pool.zrange(default_queue_name, 0, -1)  # a job stays in this sorted set until it has ended
    leases = [in_progress_key_prefix + job.decode() for job in jobs]
    running = await pool.exists(*leases) if leases else 0
    return Queue(waiting=len(jobs) - running, running=running)
