"""Plain functions in threads, and a lock for each job: taken by the request, given back by the run."""

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

ZONE = ZoneInfo(os.environ.get("SCHEDULE_ZONE", "Europe/Berlin"))
CUSTOMERS = ("ada", "bob")

scheduler = BackgroundScheduler(timezone=ZONE)
locks = {f"statement-{customer}": threading.Lock() for customer in CUSTOMERS}


class Accepted(BaseModel):
    id: str


class Due(BaseModel):
    id: str
    next_run: datetime


def make_statement(customer: str) -> None:
    with httpx.Client(timeout=60) as ledger:
        answer = ledger.post(os.environ["LEDGER_URL"] + "/statements", json={"customer": customer})
        answer.raise_for_status()


def make_nightly(customer: str) -> None:
    if locks[f"statement-{customer}"].acquire(blocking=False):
        make_and_release(customer)


def make_and_release(customer: str) -> None:
    try:
        make_statement(customer)
    finally:
        locks[f"statement-{customer}"].release()


def find_job(job_id: str, user: str) -> Job:
    job = scheduler.get_job(job_id)
    if job is None or job_id != f"statement-{user}":
        raise HTTPException(404, "No such job.")
    return job


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    for customer in CUSTOMERS:
        scheduler.add_job(make_nightly, "cron", hour=3, id=f"statement-{customer}", args=[customer])
    scheduler.start()
    yield
    scheduler.shutdown(wait=False)


app = FastAPI(lifespan=lifespan)


@app.get("/jobs/{job_id}")
def get_job(job_id: str, x_user: Annotated[str, Header()]) -> Due:
    return Due(id=job_id, next_run=find_job(job_id, x_user).next_run_time)


@app.post("/jobs/{job_id}/run", status_code=202)
def run_job(job_id: str, x_user: Annotated[str, Header()]) -> Accepted:
    find_job(job_id, x_user)
    if not locks[job_id].acquire(blocking=False):
        raise HTTPException(409, "It is being run.")
    scheduler.add_job(
        make_and_release, args=[x_user], next_run_time=datetime.now(ZONE), misfire_grace_time=None, name=job_id
    )
    return Accepted(id=job_id)
