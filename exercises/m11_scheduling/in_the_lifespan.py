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

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from pydantic import BaseModel

COPY_SECONDS = float(os.environ.get("COPY_SECONDS", "3600"))
JOBS = SQLAlchemyJobStore(f"sqlite:///{os.environ.get('DATA_DIR', '.')}/jobs.db")

# Your part: this scheduler, and the lifespan.
scheduler = BackgroundScheduler({"apscheduler.timezone": "UTC"}, jobstores={"default": JOBS})


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


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start()
    scheduler.add_job(copy_prices, "interval", seconds=COPY_SECONDS)
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/schedule")
async def get_schedule() -> Schedule:
    return Schedule(jobs=[Job(id=job.id, next_run=job.next_run_time) for job in scheduler.get_jobs()])
