"""The job that is triggered: statements that are made every night, and at once for whoever asks.

    uvicorn exercises.m11_scheduling.trigger_now:app

Each customer, ada and bob, has a job, statement-ada and statement-bob. Every night at 03:00 in SCHEDULE_ZONE it has the
ledger make the customer's statement, POST LEDGER_URL/statements {"customer": "ada"} (make_statement, given). Who asks
this service stands in the header X-User; a gateway in front of it has seen to it that this is true.

GET /jobs/{job_id}: when the job is due next. 200 {"id": "statement-ada", "next_run": "2027-01-16T03:00:00+01:00"}
POST /jobs/{job_id}/run: run the job now.
    202 {"id": "statement-ada"} at once; the run begins, and nobody waits for its end
    409 when a run of this job has been asked for or is under way, be it a nightly one; no other begins
Either answers 404 {"detail": "No such job."} when there is no such job, or when it is somebody else's.

Make these true:

- What was answered 202 is run now, whatever the time zone of the machine (TZ) is. Of several POSTs at the same moment
  one is answered 202, and the others 409.
- A run that failed (the ledger hangs up, or answers an error status) is over: the next POST is answered 202 again.
- The nightly run stays where it is. Soon after a POST, GET tells 03:00 of the next night, as before.

Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second.

Environment: LEDGER_URL, SCHEDULE_ZONE (an IANA name; Europe/Berlin unless set).
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import httpx
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

SCHEDULE_ZONE = os.environ.get("SCHEDULE_ZONE", "Europe/Berlin")
CUSTOMERS = ("ada", "bob")

# A job may begin late, when the machine is busy: without the None, one second is too late for ever.
scheduler = AsyncIOScheduler(timezone=SCHEDULE_ZONE, job_defaults={"misfire_grace_time": None})
taken: set[str] = set()  # the jobs that have been asked for or are under way
scheduler.add_listener(lambda event: taken.add(event.job_id), EVENT_JOB_SUBMITTED)  # the nightly run, too
# Not given back by the run itself: the scheduler counts it as ended a moment later, and would skip the next one.
scheduler.add_listener(lambda event: taken.discard(event.job_id), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)


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
        scheduler.add_job(make_statement, "cron", hour=3, id=f"statement-{customer}", args=[customer])
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
    if job.id in taken:
        raise HTTPException(409, "This job is being run.")
    taken.add(job.id)  # now: the run begins a moment later, and somebody else may ask in between
    job.modify(next_run_time=datetime.now(UTC))  # with its zone: else it is taken for SCHEDULE_ZONE's time
    return Accepted(id=job.id)
