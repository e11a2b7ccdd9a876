"""Makes the statement in a task of its own, as often as somebody asks."""

MISTAKE = "G7"
FAILS = ["test_job_that_is_being_run_is_not_run_again"]


import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
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


tasks: set[asyncio.Task[None]] = set()


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
        scheduler.add_job(make_statement, "cron", hour=3, id=job_id, args=[customer])
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
    job = find_job(job_id, x_user)
    task = asyncio.create_task(make_statement(job.args[0]))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return Accepted(id=job.id)
