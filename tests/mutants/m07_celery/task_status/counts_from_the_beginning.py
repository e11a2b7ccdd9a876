"""Counts from the moment at which a worker begins: a long export is forgotten soon after its end."""

MISTAKE = "E16"
FAILS = ["test_nothing_is_left"]


import os
from typing import Annotated
from uuid import uuid4

import httpx
from celery import Celery
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
def make_export(month: str, export_id: str) -> int:
    """Ask the archive; return the number of rows."""
    redis.expire(f"owner:{export_id}", RESULT_TTL_SECONDS)
    answer = httpx.get(f"{os.environ['ARCHIVE_URL']}/exports/{month}", timeout=60)
    answer.raise_for_status()
    return int(answer.json()["rows"])


@app.post("/exports", status_code=202)
def order_export(new: NewExport, x_user: Annotated[str, Header()], response: Response) -> Export:
    export = Export(id=uuid4().hex, status="queued")
    redis.set(f"owner:{export.id}", x_user)  # before the task: no worker may be quicker than we are
    make_export.apply_async([new.month, export.id], task_id=export.id)
    response.headers["Location"] = f"/exports/{export.id}"
    return export


@app.get("/exports/{export_id}")
def read_export(export_id: str, x_user: Annotated[str, Header()]) -> Export:
    if redis.get(f"owner:{export_id}") != x_user:  # nobody's or somebody else's: a stranger cannot tell
        raise HTTPException(404)
    result = celery_app.AsyncResult(export_id)
    export = Export(id=export_id, status=STATUS[result.state])
    if export.status == "done":
        export.rows = result.result
    elif export.status == "failed":  # the reason is an exception: it is in the worker's log, and for nobody else
        export.error = "The export could not be made. Please order it again, or ask us for help."
    return export
