"""Threads again, but the coroutine function stays: each run has an event loop of its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from fastapi import FastAPI
from pydantic import BaseModel

COPY_SECONDS = float(os.environ.get("COPY_SECONDS", "3600"))


class Job(BaseModel):
    id: str
    next_run: datetime | None


class Schedule(BaseModel):
    jobs: list[Job]


async def copy_prices() -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.get(os.environ["SUPPLIER_URL"] + "/prices")
        answer.raise_for_status()
        await client.put(os.environ["TILL_URL"] + "/prices", json=answer.json())


def run_copy() -> None:
    asyncio.run(copy_prices())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    scheduler = app.state.scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_jobstore(SQLAlchemyJobStore(f"sqlite:///{os.environ.get('DATA_DIR', '.')}/jobs.db"))
    scheduler.start(paused=True)
    if known := scheduler.get_job("copy-prices"):
        known.modify(trigger=IntervalTrigger(seconds=COPY_SECONDS, timezone=UTC))
    else:
        scheduler.add_job(
            run_copy,
            IntervalTrigger(seconds=COPY_SECONDS, timezone=UTC),
            id="copy-prices",
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
        )
    scheduler.resume()
    yield
    await asyncio.get_running_loop().run_in_executor(None, scheduler.shutdown)


app = FastAPI(lifespan=lifespan)


@app.get("/schedule")
async def get_schedule() -> Schedule:
    return Schedule(jobs=[Job(id=job.id, next_run=job.next_run_time) for job in app.state.scheduler.get_jobs()])
