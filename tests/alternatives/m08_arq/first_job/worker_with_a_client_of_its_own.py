"""The worker opens one HTTP client when it starts; its settings are a dictionary; the pool is lifespan state."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.worker import func
from fastapi import FastAPI, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
QUEUE = "arq:labels"


class NewLabel(BaseModel):
    order: str


class Accepted(BaseModel):
    id: str


async def print_label(ctx: dict[str, Any], order: str) -> None:
    """Have the depot print one label; return when it has."""
    answer = await ctx["depot"].post("/labels", json={"order": order})
    answer.raise_for_status()


async def open_depot(ctx: dict[str, Any]) -> None:
    ctx["depot"] = httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60)


async def close_depot(ctx: dict[str, Any]) -> None:
    await ctx["depot"].aclose()


WorkerSettings = {
    "functions": [func(print_label, name="print", max_tries=3)],
    "redis_settings": REDIS,
    "queue_name": QUEUE,
    "on_startup": open_depot,
    "on_shutdown": close_depot,
}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, ArqRedis]]:
    async with await create_pool(REDIS, default_queue_name=QUEUE) as pool:
        yield {"pool": pool}


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def request_label(new: NewLabel, request: Request) -> Accepted:
    job_id = f"label:{new.order}"  # made of the order, so that whoever asks again asks for the same job
    await request.state.pool.enqueue_job("print", new.order, _job_id=job_id)
    return Accepted(id=job_id)  # enqueue_job gives None when there is such a job: the id is ours already
