"""Makes a pool for each visitor, and closes it again."""

MISTAKE = "C5"
FAILS = ["test_visitors_share_connections"]

import os
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI
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


app = FastAPI()


@app.post("/labels", status_code=202)
async def request_label(new: NewLabel) -> Accepted:
    job_id = f"label:{new.order}"  # made of the order, so that whoever asks again asks for the same job
    async with await create_pool(REDIS, default_queue_name=QUEUE) as pool:
        await pool.enqueue_job("print_label", new.order, _job_id=job_id)
    return Accepted(id=job_id)
