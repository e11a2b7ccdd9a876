"""A failure is an outcome that the job returns; queue by the library's own list, states by a table."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.constants import in_progress_key_prefix
from arq.jobs import Job, JobStatus
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
RESULT_SECONDS = int(os.environ.get("RESULT_SECONDS", "3600"))


WORDS = {JobStatus.deferred: "scheduled", JobStatus.queued: "queued", JobStatus.in_progress: "running"}


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


async def make_report(_ctx: dict[str, Any], month: str) -> dict[str, Any]:
    """Ask the ledger for a month's total."""
    try:
        async with httpx.AsyncClient(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
            answer = await ledger.get("/total", params={"month": month})
    except httpx.HTTPError:
        return {"status": "failed", "error": "The ledger gave no total."}
    if answer.is_error:
        return {"status": "failed", "error": "The ledger gave no total."}
    return {"status": "done", "total": answer.json()["total"]}


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
    state = await job.status()
    if state in WORDS:
        return Report(id=report_id, status=WORDS[state])
    ended = await job.result_info()
    if ended is None:
        raise HTTPException(404)
    outcome = ended.result if ended.success else {"status": "failed", "error": "The ledger gave no total."}
    return Report(id=report_id, **outcome)


@app.get("/queue")
async def read_queue(request: Request) -> Queue:
    pool = request.app.state.pool
    jobs = await pool.queued_jobs()
    held = [await pool.get(in_progress_key_prefix + job.job_id) for job in jobs]
    return Queue(waiting=held.count(None), running=len(held) - held.count(None))
