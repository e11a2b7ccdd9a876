"""The scheduler in the lifespan: prices that are copied every hour, whatever becomes of the process in between.

    uvicorn exercises.m11_scheduling.in_the_lifespan:app

One copy (copy_prices, given) asks the supplier, GET SUPPLIER_URL/prices, and hands what it says to the till,
PUT TILL_URL/prices. Nobody asks this service to do so: it has a schedule. Make these true:

- When the service starts for the first time, it makes a copy at once, and then one every COPY_SECONDS (fractions too).
  It answers requests from the start, also while a copy is under way.
- A copy that fails (supplier or till hangs up, or answers an error status) is not repeated, and is not the last one.
- The schedule is kept in DATA_DIR. However often the service is started, after a deploy or a SIGKILL, there is one job,
  "copy-prices", and its next copy is neither put off by the start nor made before its time. A copy in the middle
  of which the service is killed is not made again.
- What was due while the service was down is made up for as soon as it starts: by one copy, however many were missed.
- On SIGTERM a copy that is under way is finished, till and all. Then the process ends.

GET /schedule tells 200 {"jobs": [{"id": "copy-prices", "next_run": "2027-03-01T10:00:00+00:00"}]}: for every job that
there is, when it is due next, in ISO 8601 with the offset (whichever); null when it is not.

Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second, and a copy its due time.

Environment: DATA_DIR, SUPPLIER_URL, TILL_URL, COPY_SECONDS (3600 unless set).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI
from pydantic import BaseModel

COPY_SECONDS = float(os.environ.get("COPY_SECONDS", "3600"))
JOBS = SQLAlchemyJobStore(f"sqlite:///{os.environ.get('DATA_DIR', '.')}/jobs.db")

scheduler = AsyncIOScheduler({"apscheduler.timezone": "UTC"}, jobstores={"default": JOBS})
idle = asyncio.Event()  # set while no copy is under way
idle.set()
scheduler.add_listener(lambda _: idle.clear(), EVENT_JOB_SUBMITTED)  # told before the copy has taken its first step
scheduler.add_listener(lambda _: idle.set(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)


class Job(BaseModel):
    id: str
    next_run: datetime | None


class Schedule(BaseModel):
    jobs: list[Job]


async def copy_prices() -> None:
    """Copy the supplier's prices to the till, once."""
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(os.environ["SUPPLIER_URL"] + "/prices")
        answer.raise_for_status()
        told = await client.put(os.environ["TILL_URL"] + "/prices", json=answer.json())
        told.raise_for_status()


def schedule_copies() -> None:
    """Have one job in the store, which keeps the time that is there from an earlier start."""
    known = scheduler.get_job("copy-prices")
    scheduler.add_job(
        copy_prices,
        "interval",
        seconds=COPY_SECONDS,
        id="copy-prices",
        replace_existing=True,
        # Left out, it would be now + COPY_SECONDS, at each start.
        next_run_time=known.next_run_time if known else datetime.now(UTC),
        misfire_grace_time=None,  # however late, it is made
        coalesce=True,  # but once
    )


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start(paused=True)  # only now can it see what the store holds
    schedule_copies()
    scheduler.resume()
    yield
    scheduler.pause()
    await idle.wait()  # a copy that is under way ends first: shutdown() would cancel it, also with wait=True
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/schedule")
async def get_schedule() -> Schedule:
    return Schedule(jobs=[Job(id=job.id, next_run=job.next_run_time) for job in scheduler.get_jobs()])
