"""The pool is a dependency, made when it is first needed; the id is a hash; a second worker function beside the first."""

import asyncio
import hashlib
import os
from typing import Annotated, Any

import httpx
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from fastapi import Depends, FastAPI
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


async def count_labels(ctx: dict[str, Any]) -> int:
    return int(await ctx["redis"].zcard(QUEUE))


class WorkerSettings:
    functions = (count_labels, print_label)
    redis_settings = REDIS
    queue_name = QUEUE  # the worker's option has this name; the pool's and the job's have others


app = FastAPI()
connecting = asyncio.Lock()
pools: list[ArqRedis] = []


async def get_pool() -> ArqRedis:
    async with connecting:
        if not pools:
            pools.append(await create_pool(REDIS, default_queue_name=QUEUE))
    return pools[0]


@app.post("/labels", status_code=202)
async def request_label(new: NewLabel, pool: Annotated[ArqRedis, Depends(get_pool)]) -> Accepted:
    job_id = hashlib.sha256(
        new.order.encode()
    ).hexdigest()  # made of the order, so that whoever asks again asks for the same job
    await pool.enqueue_job("print_label", new.order, _job_id=job_id)
    return Accepted(id=job_id)  # enqueue_job gives None when there is such a job: the id is ours already
