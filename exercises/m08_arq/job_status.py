"""The job's status: true in every state, and so is the length of the queue.

POST /reports  {"month": "2027-03", "delay": 60}: make a report, though not before these seconds have passed; without
    a delay: as soon as may be. 202, {"id": "<string>"}, and a Location header that leads to the report.
GET /reports/{id}: 200 {"id": "<string>", "status": "<word>", "total": null, "error": null}
    scheduled   its time has not come yet
    queued      its time has come, and it waits for a worker
    running     a worker is at it
    done        total is the ledger's number
    failed      error is "The ledger gave no total.", and nothing else is said
    404 for an id that is no report's, and from RESULT_SECONDS (a whole number) after the report's end on, not earlier
GET /queue: 200 {"waiting": 3, "running": 2}: how many reports nobody has begun, be their time come or not, and how
    many a worker is at

The worker, `arq exercises.m08_arq.job_status.WorkerSettings`, asks the ledger, GET LEDGER_URL/total?month=2027-03, and
is answered 200 {"total": 1200}. If the ledger answers with an error status, or hangs up, the report has failed, at the
first attempt. If the worker is killed, the next one takes its reports up when ARQ's lease has ended; once they have
ended, nobody is at them any more. All that is known of reports lies in the Redis at REDIS_URL, and Redis forgets it.

Your part is make_report, WorkerSettings, read_report and read_queue. Nothing may dawdle: in a quick world an effect
follows its cause within a tenth of a second.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request, Response
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
    async with httpx.AsyncClient(base_url=os.environ["LEDGER_URL"], timeout=60) as ledger:
        answer = await ledger.get("/total", params={"month": month})
        answer.raise_for_status()
        return int(answer.json()["total"])


class WorkerSettings:
    functions = (make_report,)
    redis_settings = REDIS


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
    del request
    return Report(id=report_id, status="queued")  # Your part: as it is, this is said of everything, for ever.


@app.get("/queue")
async def read_queue(request: Request) -> Queue:
    pool = request.app.state.pool
    return Queue(waiting=await pool.llen("arq:queue:default"), running=0)  # Your part: is this the queue?
