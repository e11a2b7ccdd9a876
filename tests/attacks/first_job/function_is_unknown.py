"""Asks for a function that no worker knows."""

SAYS = "Your worker was sent a job for the function 'print_it', and knows none of that name"
EARNED = 1

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


class WorkerSettings:
    functions = [print_label]
    redis_settings = REDIS


@app.post("/labels", status_code=202)
async def request_label(new: dict):
    pool = await create_pool(REDIS)
    await pool.enqueue_job("print_it", new["order"], _job_id=new["order"])
    return {"id": new["order"]}
