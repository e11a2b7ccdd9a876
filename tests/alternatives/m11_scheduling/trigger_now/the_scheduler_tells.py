"""The job knows nothing of claims: they are taken and given back by what the scheduler tells of its jobs."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import httpx
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

CUSTOMERS = ("ada", "bob")

scheduler = AsyncIOScheduler(
    timezone=os.environ.get("SCHEDULE_ZONE", "Europe/Berlin"), job_defaults={"misfire_grace_time": None}
)
claimed: set[str] = set()


class Accepted(BaseModel):
    id: str


class Due(BaseModel):
    id: str
    next_run: datetime


def on_begin(event: JobSubmissionEvent) -> None:
    claimed.add(event.job_id)


def on_end(event: JobExecutionEvent) -> None:
    claimed.discard(event.job_id)


scheduler.add_listener(on_begin, EVENT_JOB_SUBMITTED)
scheduler.add_listener(on_end, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED)


async def make_statement(customer: str) -> None:
    async with httpx.AsyncClient(timeout=60) as ledger:
        answer = await ledger.post(os.environ["LEDGER_URL"] + "/statements", json={"customer": customer})
        answer.raise_for_status()


def find_job(job_id: str, user: str) -> Job:
    job = scheduler.get_job(job_id)
    if job is None or job.kwargs["customer"] != user:
        raise HTTPException(404, "No such job.")
    return job


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start()
    for customer in CUSTOMERS:
        scheduler.add_job(make_statement, "cron", hour="3", id=f"statement-{customer}", kwargs={"customer": customer})
    yield
    scheduler.shutdown(wait=False)


app = FastAPI(lifespan=lifespan)


@app.get("/jobs/{job_id}")
async def get_job(job_id: str, x_user: Annotated[str, Header()]) -> Due:
    job = find_job(job_id, x_user)
    return Due(id=job.id, next_run=job.next_run_time)


@app.post("/jobs/{job_id}/run", status_code=202)
async def run_job(job_id: str, x_user: Annotated[str, Header()]) -> Accepted:
    job = find_job(job_id, x_user)
    if job_id in claimed:
        raise HTTPException(409, {"job": job_id, "state": "being run"})
    claimed.add(job_id)
    job.modify(next_run_time=datetime.now(scheduler.timezone))
    return Accepted(id=job_id)
