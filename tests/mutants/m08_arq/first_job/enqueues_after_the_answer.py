"""Puts the job into Redis after it has answered: until then the label is in the service's memory only."""

MISTAKE = "A15"
FAILS = ["test_accepted_label_outlives_the_service"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import BackgroundTasks, FastAPI, Request
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
async def request_label(new: NewLabel, request: Request, later: BackgroundTasks) -> Accepted:
    job_id = f"label:{new.order}"  # made of the order, so that whoever asks again asks for the same job
    later.add_task(request.app.state.pool.enqueue_job, "print_label", new.order, _job_id=job_id)
    return Accepted(id=job_id)  # enqueue_job gives None when there is such a job: the id is ours already
