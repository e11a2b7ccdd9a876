"""Asks for another attempt at once when the catalogue fails."""

MISTAKE = "E6"
FAILS = ["test_another_sync_after_one_that_has_failed"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import Retry, create_pool
from arq.connections import RedisSettings
from arq.jobs import Job, JobStatus
from fastapi import FastAPI, Request
from pydantic import BaseModel

REDIS = RedisSettings.from_dsn(os.environ["REDIS_URL"])
SYNC_SECONDS = int(os.environ.get("SYNC_SECONDS", "60"))
ENDED = (JobStatus.complete, JobStatus.not_found)


class Accepted(BaseModel):
    id: str


class Shop(BaseModel):
    busy: bool
    products: int | None


async def sync_products(ctx: dict[str, Any], shop: str) -> None:
    """Have the catalogue count a shop's products."""
    async with httpx.AsyncClient(base_url=os.environ["CATALOGUE_URL"], timeout=SYNC_SECONDS) as catalogue:
        answer = await catalogue.get(f"/shops/{shop}")
    if answer.is_error:
        raise Retry
    await ctx["redis"].set(f"products:{shop}", answer.json()["products"])


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
    await request.app.state.pool.enqueue_job("sync_products", shop, _job_id=f"sync:{shop}")
    return Accepted(id=f"sync:{shop}")


@app.get("/shops/{shop}")
async def read_shop(shop: str, request: Request) -> Shop:
    status = await Job(f"sync:{shop}", request.app.state.pool).status()
    products = await request.app.state.pool.get(f"products:{shop}")
    return Shop(busy=status not in ENDED, products=products)
