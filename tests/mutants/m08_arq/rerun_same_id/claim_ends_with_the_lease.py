"""Lets the claim on a shop expire when a dead worker's sync may be made again: by then it need not have been made."""

MISTAKE = "F6"
FAILS = ["test_killed_worker_blocks_nobody"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus
from fastapi import FastAPI, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
SYNC_SECONDS = int(os.environ.get("SYNC_SECONDS", "60"))
ENDED = (JobStatus.complete, JobStatus.not_found)


FREE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end'


class Accepted(BaseModel):
    id: str


class Shop(BaseModel):
    busy: bool
    products: int | None


async def sync_products(ctx: dict[str, Any], shop: str) -> None:
    """Have the catalogue count a shop's products."""
    async with httpx.AsyncClient(base_url=os.environ["CATALOGUE_URL"], timeout=SYNC_SECONDS) as catalogue:
        answer = await catalogue.get(f"/shops/{shop}")
    answer.raise_for_status()
    await ctx["redis"].set(f"products:{shop}", answer.json()["products"])


async def free_the_shop(ctx: dict[str, Any]) -> None:
    """Give the claim back, unless the worker was told to stop: then the sync waits for the next one."""
    if await Job(ctx["job_id"], ctx["redis"]).status() in ENDED:
        shop = ctx["job_id"].partition(":")[0]
        await ctx["redis"].eval(FREE, 1, f"claim:{shop}", ctx["job_id"])


class WorkerSettings:
    functions = (sync_products,)
    redis_settings = REDIS
    job_timeout = SYNC_SECONDS
    after_job_end = free_the_shop


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await create_pool(REDIS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/shops/{shop}/syncs", status_code=202)
async def ask_for_sync(shop: str, request: Request) -> Accepted:
    redis, mine = request.app.state.pool, f"{shop}:{uuid4().hex}"
    found = await redis.set(f"claim:{shop}", mine, nx=True, get=True, ex=SYNC_SECONDS + 10)
    if found is None:
        await redis.enqueue_job("sync_products", shop, _job_id=mine)
    return Accepted(id=found.decode() if found else mine)


@app.get("/shops/{shop}")
async def read_shop(shop: str, request: Request) -> Shop:
    claim, products = await request.app.state.pool.mget(f"claim:{shop}", f"products:{shop}")
    return Shop(busy=claim is not None, products=products)
