"""Has the ledger total the month in which the worker comes to the report, whatever month was ordered."""

MISTAKE = "A13"
FAILS = ["test_report_is_done"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.constants import default_queue_name, in_progress_key_prefix
from arq.jobs import Job, JobStatus
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


async def make_report(_ctx: dict[str, Any], month: str) -> int:
    """Ask the ledger for a month's total."""
    try:
        async with httpx.AsyncClient(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
            answer = await ledger.get("/total", params={"month": f"{datetime.now(UTC):%Y-%m}"})
            answer.raise_for_status()
            return int(answer.json()["total"])
    except httpx.HTTPError as error:
        # What a job raises is pickled. An HTTPStatusError cannot be read back: whoever asks for the result would fail.
        raise RuntimeError(f"{type(error).__name__}: no total for {month}") from None


class WorkerSettings:
    functions = (make_report,)
    redis_settings = REDIS
    keep_result = RESULT_SECONDS


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await create_pool(REDIS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/reports", status_code=202)
async def ask_for_report(new: NewReport, request: Request, response: Response) -> Accepted:
    job = await request.app.state.pool.enqueue_job("make_report", new.month, _defer_by=new.delay)
    response.headers["Location"] = f"/reports/{job.job_id}"
    return Accepted(id=job.job_id)


@app.get("/reports/{report_id}")
async def read_report(report_id: str, request: Request) -> Report:
    job = Job(report_id, request.app.state.pool)
    match await job.status():
        case JobStatus.deferred:
            return Report(id=report_id, status="scheduled")
        case JobStatus.queued:
            return Report(id=report_id, status="queued")
        case JobStatus.in_progress:
            return Report(id=report_id, status="running")
    ended = await job.result_info()  # complete says only that there is a result: success and failure look alike
    if ended is None:
        raise HTTPException(404)
    if not ended.success:
        return Report(id=report_id, status="failed", error="The ledger gave no total.")
    return Report(id=report_id, status="done", total=ended.result)


@app.get("/queue")
async def read_queue(request: Request) -> Queue:
    pool = request.app.state.pool
    jobs = await pool.zrange(default_queue_name, 0, -1)  # a job stays in this sorted set until it has ended
    leases = [in_progress_key_prefix + job.decode() for job in jobs]
    running = await pool.exists(*leases) if leases else 0
    return Queue(waiting=len(jobs) - running, running=running)
