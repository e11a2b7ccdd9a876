"""The owner is part of the task's id, a marker says that it was ordered, signals let go of it; outcomes are results."""

import os
from typing import Annotated
from uuid import uuid4

import httpx
from celery import Celery, signals
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from redis import Redis

RESULT_TTL_SECONDS = int(os.environ.get("RESULT_TTL_SECONDS", "3600"))
STATUS = {"PENDING": "queued", "STARTED": "running", "SUCCESS": "done", "FAILURE": "failed"}


class NewExport(BaseModel):
    month: str


class Export(BaseModel):
    id: str
    status: str
    rows: int | None = None
    error: str | None = None


app = FastAPI()
celery_app = Celery("exports", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery_app.conf.update(task_track_started=True, result_expires=RESULT_TTL_SECONDS)
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


@celery_app.task
def make_export(month: str, export_id: str) -> dict[str, object]:
    try:
        answer = httpx.get(f"{os.environ['ARCHIVE_URL']}/exports/{month}", timeout=60)
        return {"status": "done", "rows": answer.raise_for_status().json()["rows"]}
    except httpx.HTTPError:
        return {"status": "failed", "error": "No export today."}


@signals.task_postrun.connect
def let_go(task_id: str, **_sent: object) -> None:
    redis.expire(f"ordered:{task_id}", RESULT_TTL_SECONDS)
    backend = celery_app.backend
    backend.client.expire(backend.get_key_for_task(task_id), RESULT_TTL_SECONDS)


@app.post("/exports", status_code=202)
def order_export(new: NewExport, x_user: Annotated[str, Header()], response: Response) -> Export:
    export = Export(id=uuid4().hex, status="queued")
    redis.set(f"ordered:{x_user}-{export.id}", 1)
    make_export.apply_async([new.month, export.id], task_id=f"{x_user}-{export.id}")
    response.headers["Location"] = f"/exports/{export.id}"
    return export


@app.get("/exports/{export_id}")
def read_export(export_id: str, x_user: Annotated[str, Header()]) -> Export:
    if not redis.exists(f"ordered:{x_user}-{export_id}"):
        raise HTTPException(404)
    result = celery_app.AsyncResult(f"{x_user}-{export_id}")
    state = result.state  # asked for once: the export may end between two questions
    if state == "SUCCESS":
        return Export(id=export_id, **result.result)
    return Export(id=export_id, status=STATUS[state])
