"""The scheduler only says when: each copy is a task of the service's own, and the service waits for its tasks."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI
from pydantic import BaseModel

COPY_SECONDS = float(os.environ.get("COPY_SECONDS", "3600"))
STORE = SQLAlchemyJobStore(f"sqlite:///{os.environ.get('DATA_DIR', '.')}/jobs.db")

scheduler = AsyncIOScheduler(timezone="UTC", jobstores={"default": STORE})
tasks: set[asyncio.Task[None]] = set()


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


async def begin_copy() -> None:
    if tasks:
        return
    task = asyncio.create_task(copy_prices())
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start()
    if not scheduler.get_job("copy-prices"):
        scheduler.add_job(
            begin_copy,
            "interval",
            seconds=COPY_SECONDS,
            id="copy-prices",
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
        )
    yield
    scheduler.pause()
    await asyncio.sleep(0)  # what it has submitted by now gets its task
    await asyncio.gather(*tasks, return_exceptions=True)
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/schedule")
async def get_schedule() -> Schedule:
    return Schedule(jobs=[Job(id=job.id, next_run=job.next_run_time) for job in scheduler.get_jobs()])
