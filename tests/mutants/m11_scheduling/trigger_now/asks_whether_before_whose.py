"""Asks whether the job is being run before it asks whose it is: a stranger is told."""

MISTAKE = "K1"
FAILS = ["test_somebody_elses_job_does_not_exist"]


import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import httpx
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

SCHEDULE_ZONE = os.environ.get("SCHEDULE_ZONE", "Europe/Berlin")
CUSTOMERS = ("ada", "bob")

# A job may begin late, when the machine is busy: without the None, one second is too late for ever.
scheduler = AsyncIOScheduler(timezone=SCHEDULE_ZONE, job_defaults={"misfire_grace_time": None})
taken: set[str] = set()  # the jobs that have been asked for or are under way


class Accepted(BaseModel):
    id: str


class Due(BaseModel):
    id: str
    next_run: datetime


async def make_statement(customer: str) -> None:
    """Have the ledger make one customer's statement."""
    async with httpx.AsyncClient(timeout=60) as ledger:
        answer = await ledger.post(os.environ["LEDGER_URL"] + "/statements", json={"customer": customer})
        answer.raise_for_status()


async def run_statement(customer: str, job_id: str) -> None:
    """Make a statement, by night or when asked for; while it is made, its job is taken."""
    taken.add(job_id)  # the nightly run, too: nobody has asked for it
    try:
        await make_statement(customer)
    finally:  # also when it failed
        taken.discard(job_id)


def find_job(job_id: str, user: str) -> Job:
    """The user's job of that id; 404 when there is none."""
    job = scheduler.get_job(job_id)
    if job is None or job.args[0] != user:  # in the same words: that it exists is nobody else's business
        raise HTTPException(404, "No such job.")
    return job


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    for customer in CUSTOMERS:
        job_id = f"statement-{customer}"
        scheduler.add_job(run_statement, "cron", hour=3, id=job_id, args=[customer, job_id])
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/jobs/{job_id}")
async def get_job(job_id: str, x_user: Annotated[str, Header()]) -> Due:
    job = find_job(job_id, x_user)
    return Due(id=job.id, next_run=job.next_run_time)


@app.post("/jobs/{job_id}/run", status_code=202)
async def run_job(job_id: str, x_user: Annotated[str, Header()]) -> Accepted:
    if job_id in taken:
        raise HTTPException(409, "This job is being run.")
    job = find_job(job_id, x_user)
    taken.add(job.id)  # now: the run begins a moment later, and somebody else may ask in between
    job.modify(next_run_time=datetime.now(UTC))  # with its zone: else it is taken for SCHEDULE_ZONE's time
    return Accepted(id=job.id)
