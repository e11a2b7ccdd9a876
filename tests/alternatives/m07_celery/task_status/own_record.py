"""One record of its own for each export, written by service and worker, and no results of Celery's."""

import logging
import os
from typing import Annotated
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from redis import Redis

RESULT_TTL_SECONDS = int(os.environ.get("RESULT_TTL_SECONDS", "3600"))


class NewExport(BaseModel):
    month: str


class Export(BaseModel):
    id: str
    status: str
    rows: int | None = None
    error: str | None = None


app = FastAPI()
celery_app = Celery("exports", broker=os.environ["REDIS_URL"])
celery_app.conf.task_ignore_result = True
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
log = logging.getLogger(__name__)


@celery_app.task
def make_export(month: str, export_id: str) -> None:
    key = f"export:{export_id}"
    redis.hset(key, "status", "running")
    try:
        answer = httpx.get(f"{os.environ['ARCHIVE_URL']}/exports/{month}", timeout=60).raise_for_status()
        end = {"status": "done", "rows": int(answer.json()["rows"])}
    except Exception:
        log.exception("export %s failed", export_id)
        end = {"status": "failed", "error": "We could not make this export."}
    with redis.pipeline() as both:
        both.hset(key, mapping=end)
        both.expire(key, RESULT_TTL_SECONDS)
        both.execute()


@app.post("/exports", status_code=202)
def order_export(new: NewExport, x_user: Annotated[str, Header()], response: Response) -> Export:
    export = Export(id=uuid4().hex, status="queued")
    redis.hset(f"export:{export.id}", mapping={"owner": x_user, "status": "queued"})
    make_export.delay(new.month, export.id)
    response.headers["Location"] = f"/exports/{export.id}"
    return export


@app.get("/exports/{export_id}")
def read_export(export_id: str, x_user: Annotated[str, Header()]) -> Export:
    found = redis.hgetall(f"export:{export_id}")
    if found.pop("owner", None) != x_user:
        raise HTTPException(404)
    return Export(id=export_id, **found)
