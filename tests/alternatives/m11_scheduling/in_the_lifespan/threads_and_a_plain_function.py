"""A scheduler with threads and a function for threads: there, shutdown does wait for what is under way."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from pydantic import BaseModel

COPY_SECONDS = float(os.environ.get("COPY_SECONDS", "3600"))
STORE = SQLAlchemyJobStore(f"sqlite:///{os.environ.get('DATA_DIR', '.')}/jobs.db")

scheduler = BackgroundScheduler(
    timezone="Europe/Berlin",
    jobstores={"default": STORE},
    job_defaults={"coalesce": True, "misfire_grace_time": None},
)


class Job(BaseModel):
    id: str
    next_run: datetime | None


class Schedule(BaseModel):
    jobs: list[Job]


def copy_prices() -> None:
    with httpx.Client(timeout=60) as client:
        answer = client.get(os.environ["SUPPLIER_URL"] + "/prices")
        answer.raise_for_status()
        client.put(os.environ["TILL_URL"] + "/prices", json=answer.json())


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start(paused=True)
    if scheduler.get_job("copy-prices") is None:
        scheduler.add_job(
            copy_prices, "interval", seconds=COPY_SECONDS, id="copy-prices", next_run_time=datetime.now(UTC)
        )
    scheduler.resume()
    yield
    await asyncio.to_thread(scheduler.shutdown)


app = FastAPI(lifespan=lifespan)


@app.get("/schedule")
async def get_schedule() -> Schedule:
    return Schedule(jobs=[Job(id=job.id, next_run=job.next_run_time) for job in scheduler.get_jobs()])
