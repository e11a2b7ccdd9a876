"""Its worker waits for ever when it starts."""

SAYS = "Your ARQ worker never got ready"
EARNED = 1

import asyncio
import os

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI

app = FastAPI()
REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])


async def print_label(ctx, order):
    async with httpx.AsyncClient(base_url=os.environ["DEPOT_URL"], timeout=60) as depot:
        await depot.post("/labels", json={"order": order})


async def wait(ctx):
    await asyncio.Event().wait()


class WorkerSettings:
    functions = [print_label]
    redis_settings = REDIS
    on_startup = wait


@app.post("/labels", status_code=202)
async def request_label(new: dict):
    pool = await create_pool(REDIS)
    await pool.enqueue_job("print_label", new["order"], _job_id=new["order"])
    return {"id": new["order"]}
