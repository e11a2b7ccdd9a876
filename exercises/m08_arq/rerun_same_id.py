"""The same id again: a shop's products are counted by one sync at a time, and again whenever somebody asks.

POST /shops/{shop}/syncs: 202, {"id": "<string>"}. The worker, `arq exercises.m08_arq.rerun_same_id.WorkerSettings`,
    asks the catalogue, GET CATALOGUE_URL/shops/{shop}, and is answered 200 {"products": 42}.
    Whoever asks while a sync of this shop waits or runs gets the same id, and there is no second one, even if several
    ask at the same moment. Once it has ended, done or failed, whoever asks gets another sync at once; its id may be
    the same or a new one.
GET /shops/{shop}: 200 {"busy": false, "products": 42}: whether a sync of this shop waits or runs, and its products as
    the last sync that succeeded has counted them, however long ago; null before the first.

Shops do not wait for each other. If the catalogue answers with an error status, or hangs up, the sync has failed, at
the first attempt. A sync takes no longer than SYNC_SECONDS (a whole number). If the worker is killed, or told to stop,
in the middle of one, the sync waits again until the next worker makes it (after a kill: from SYNC_SECONDS and ten more
after its beginning on), and then the shop is as any other. All that is known lies in the Redis at REDIS_URL.

Your part is sync_products, WorkerSettings and the two endpoints: as it is, a shop is synced once an hour at most.
Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from arq import create_pool
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


async def sync_products(ctx: dict[str, Any], shop: str) -> int:
    """Have the catalogue count a shop's products."""
    async with httpx.AsyncClient(base_url=os.environ["CATALOGUE_URL"], timeout=SYNC_SECONDS) as catalogue:
        answer = await catalogue.get(f"/shops/{shop}")
    if answer.is_error:
        raise RuntimeError(f"{ctx['job_id']}: the catalogue answered {answer.status_code}")
    return int(answer.json()["products"])


class WorkerSettings:
    functions = (sync_products,)
    redis_settings = REDIS
    job_timeout = SYNC_SECONDS


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
    job = Job(f"sync:{shop}", request.app.state.pool)
    status = await job.status()
    result = await job.result_info()
    products = result.result if result and result.success else None
    return Shop(busy=status not in ENDED, products=products)
