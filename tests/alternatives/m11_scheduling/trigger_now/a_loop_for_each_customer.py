"""No library: a loop for each customer waits for the night or for a word, whichever comes first."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

ZONE = ZoneInfo(os.environ.get("SCHEDULE_ZONE", "Europe/Berlin"))


class Accepted(BaseModel):
    id: str


class Due(BaseModel):
    id: str
    next_run: datetime


class Statement:
    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.busy = False
        self.asked = asyncio.Event()
        self.due = next_night()

    async def run_for_ever(self) -> None:
        while True:
            left = (self.due - datetime.now(UTC)).total_seconds()
            try:
                await asyncio.wait_for(self.asked.wait(), max(left, 0))
            except TimeoutError:
                if datetime.now(UTC) < self.due:
                    continue
                self.due = next_night()
            self.busy = True
            try:
                await self.make()
            except httpx.HTTPError:
                pass
            finally:
                self.busy = False
                self.asked.clear()

    async def make(self) -> None:
        async with httpx.AsyncClient(timeout=60) as ledger:
            answer = await ledger.post(os.environ["LEDGER_URL"] + "/statements", json={"customer": self.customer})
            answer.raise_for_status()


def next_night() -> datetime:
    now = datetime.now(ZONE)
    tonight = datetime.combine(now.date(), time(3), ZONE)
    if tonight <= now:
        tonight = datetime.combine(now.date() + timedelta(days=1), time(3), ZONE)
    return tonight.astimezone(UTC)


jobs: dict[str, Statement] = {}


def find(job_id: str, user: str) -> Statement:
    job = jobs.get(job_id)
    if job is None or job.customer != user:
        raise HTTPException(404, "No such job.")
    return job


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    jobs.update({f"statement-{customer}": Statement(customer) for customer in ("ada", "bob")})
    tasks = [asyncio.create_task(job.run_for_ever()) for job in jobs.values()]
    yield
    for task in tasks:
        task.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/jobs/{job_id}")
async def get_job(job_id: str, x_user: Annotated[str, Header()]) -> Due:
    return Due(id=job_id, next_run=find(job_id, x_user).due)


@app.post("/jobs/{job_id}/run", status_code=202)
async def run_job(job_id: str, x_user: Annotated[str, Header()]) -> Accepted:
    job = find(job_id, x_user)
    if job.busy or job.asked.is_set():
        raise HTTPException(409)
    job.asked.set()
    return Accepted(id=job_id)
