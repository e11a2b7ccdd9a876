"""A pool in the module, made at start-up; each job names its queue; jobs travel as JSON."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from fastapi import FastAPI
from pydantic import BaseModel

pool: ArqRedis
REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
QUEUE = "arq:labels"


class NewLabel(BaseModel):
    order: str


class Accepted(BaseModel):
    id: str


def to_json(job: dict[str, Any]) -> bytes:
    return json.dumps(job, default=repr).encode()


async def print_label(_ctx: dict[str, Any], order: str) -> None:
    """Have the depot print one label; return when it has."""
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        answer = await depot.post("/labels", json={"order": order})
        answer.raise_for_status()


class WorkerSettings:
    functions = (print_label,)
    redis_settings = REDIS
    queue_name = QUEUE  # the worker's option has this name; the pool's and the job's have others
    job_serializer = to_json
    job_deserializer = json.loads


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    global pool
    pool = await create_pool(REDIS, job_serializer=to_json, job_deserializer=json.loads)
    yield
    await pool.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/labels", status_code=202)
async def request_label(new: NewLabel) -> Accepted:
    job_id = f"label:{new.order}"  # made of the order, so that whoever asks again asks for the same job
    await pool.enqueue_job("print_label", order=new.order, _job_id=job_id, _queue_name=QUEUE)
    return Accepted(id=job_id)  # enqueue_job gives None when there is such a job: the id is ours already
