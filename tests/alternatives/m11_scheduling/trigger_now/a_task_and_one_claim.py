"""The scheduler keeps to its nights; a triggered run is a task of its own, and both ask the same list of claims."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

JOBS = {f"statement-{customer}": customer for customer in ("ada", "bob")}

scheduler = AsyncIOScheduler(timezone=os.environ.get("SCHEDULE_ZONE", "Europe/Berlin"))
claims: dict[str, asyncio.Task[None] | None] = {}


class Accepted(BaseModel):
    id: str


class Due(BaseModel):
    id: str
    next_run: datetime


async def make_statement(job_id: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=60) as ledger:
            answer = await ledger.post(os.environ["LEDGER_URL"] + "/statements", json={"customer": JOBS[job_id]})
            answer.raise_for_status()
    except httpx.HTTPError as error:
        print(f"{job_id} failed: {error!r}")
    finally:
        del claims[job_id]


async def make_nightly(job_id: str) -> None:
    if job_id not in claims:
        claims[job_id] = None
        await make_statement(job_id)


def own_job(job_id: str, x_user: Annotated[str, Header()]) -> str:
    if JOBS.get(job_id) != x_user:
        raise HTTPException(404, "No such job.")
    return job_id


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    for job_id in JOBS:
        scheduler.add_job(make_nightly, "cron", hour=3, minute=0, id=job_id, args=[job_id])
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/jobs/{job_id}")
async def get_job(job_id: Annotated[str, Depends(own_job)]) -> Due:
    return Due(id=job_id, next_run=scheduler.get_job(job_id).next_run_time)


@app.post("/jobs/{job_id}/run", status_code=202)
async def run_job(job_id: Annotated[str, Depends(own_job)]) -> Accepted:
    if job_id in claims:
        raise HTTPException(409, "Somebody was quicker.")
    claims[job_id] = asyncio.create_task(make_statement(job_id))
    return Accepted(id=job_id)
