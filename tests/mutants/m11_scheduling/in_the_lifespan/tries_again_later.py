"""Makes a copy that failed again, twice, after a pause."""

MISTAKE = "J2"
FAILS = ["test_a_copy_that_failed_is_not_repeated"]


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
    for left in (2, 1, 0):
        try:
            return await copy_once()
        except httpx.HTTPError:
            if not left:
                raise
            await asyncio.sleep(0.2)


async def copy_once() -> None:
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
        next_run_time=known.next_run_time if known else datetime.now(UTC),  # else: now + COPY_SECONDS, at each start
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
