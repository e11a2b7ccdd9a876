"""Looks whether the order has a job, and then gives it one: so do all who look at the same moment."""

MISTAKE = "H1"
FAILS = ["test_asked_twice_at_the_same_moment"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus
from fastapi import FastAPI, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
QUEUE = "arq:labels"


class NewLabel(BaseModel):
    order: str


class Accepted(BaseModel):
    id: str


async def print_label(_ctx: dict[str, Any], order: str) -> None:
    """Have the depot print one label; return when it has."""
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        answer = await depot.post("/labels", json={"order": order})
        answer.raise_for_status()


class WorkerSettings:
    functions = (print_label,)
    redis_settings = REDIS
    queue_name = QUEUE  # the worker's option has this name; the pool's and the job's have others


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await create_pool(REDIS, default_queue_name=QUEUE) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def request_label(new: NewLabel, request: Request) -> Accepted:
    redis = request.app.state.pool
    known = await redis.get(f"job-of:{new.order}")
    if known and await Job(known.decode(), redis, QUEUE).status() != JobStatus.complete:
        return Accepted(id=known.decode())
    job = await redis.enqueue_job("print_label", new.order)
    await redis.set(f"job-of:{new.order}", job.job_id, ex=86_400)
    return Accepted(id=job.job_id)
