"""Frees the shop after a success and after an error status: a catalogue that hangs up keeps it busy for ever."""

MISTAKE = "C6"
FAILS = ["test_another_sync_after_one_that_has_failed"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
SYNC_SECONDS = int(os.environ.get("SYNC_SECONDS", "60"))


class Accepted(BaseModel):
    id: str


class Shop(BaseModel):
    busy: bool
    products: int | None


async def sync_products(ctx: dict[str, Any], shop: str) -> None:
    """Have the catalogue count a shop's products."""
    async with httpx.AsyncClient(base_url=os.environ["CATALOGUE_URL"], timeout=SYNC_SECONDS) as catalogue:
        answer = await catalogue.get(f"/shops/{shop}")
    if answer.is_success:
        await ctx["redis"].set(f"products:{shop}", answer.json()["products"])
    await ctx["redis"].delete(f"claim:{shop}")
    if answer.is_error:
        raise RuntimeError(f"{ctx['job_id']}: the catalogue answered {answer.status_code}")


class WorkerSettings:
    functions = (sync_products,)
    redis_settings = REDIS
    job_timeout = SYNC_SECONDS
    keep_result = 0  # a result keeps the job's id taken; what is worth keeping has a key of its own


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await create_pool(REDIS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/shops/{shop}/syncs", status_code=202)
async def ask_for_sync(shop: str, request: Request) -> Accepted:
    redis, mine = request.app.state.pool, uuid4().hex
    found = await redis.set(f"claim:{shop}", mine, nx=True, get=True)
    if found is None:
        await redis.enqueue_job("sync_products", shop, _job_id=mine)
    return Accepted(id=found.decode() if found else mine)


@app.get("/shops/{shop}")
async def read_shop(shop: str, request: Request) -> Shop:
    busy = await request.app.state.pool.exists(f"claim:{shop}")
    products = await request.app.state.pool.get(f"products:{shop}")
    return Shop(busy=bool(busy), products=products)
