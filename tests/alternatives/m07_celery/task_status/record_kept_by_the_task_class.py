"""The task's class keeps a document for each export, whose key holds the owner's name."""

import os
from asyncio import to_thread
from typing import Annotated
from uuid import uuid4

import httpx
from celery import Celery, Task
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from redis import Redis
from redis import asyncio as aredis

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
redis = aredis.from_url(os.environ["REDIS_URL"])


class Notes(Task):
    """A task that keeps its export's record up to date."""

    def note(self, record: Export, **expiry: int) -> None:
        with Redis.from_url(os.environ["REDIS_URL"]) as client:
            client.set(f"export:{self.request.headers['x-user']}:{record.id}", record.model_dump_json(), **expiry)

    def before_start(self, task_id, args, kwargs):
        self.note(Export(id=task_id, status="running"))

    def on_success(self, retval, task_id, args, kwargs):
        self.note(Export(id=task_id, status="done", rows=retval), ex=RESULT_TTL_SECONDS)

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        self.note(Export(id=task_id, status="failed", error="Sorry, no luck today."), ex=RESULT_TTL_SECONDS)


@celery_app.task(base=Notes, acks_late=True)
def make_export(month: str) -> int:
    with httpx.Client(base_url=os.environ["ARCHIVE_URL"], timeout=60) as archive:
        return archive.get(f"/exports/{month}").raise_for_status().json()["rows"]


@app.post("/exports", status_code=202)
async def order_export(new: NewExport, x_user: Annotated[str, Header()], response: Response) -> Export:
    export = Export(id=str(uuid4()), status="queued")
    await redis.set(f"export:{x_user}:{export.id}", export.model_dump_json())
    await to_thread(make_export.apply_async, (new.month,), task_id=export.id, headers={"x-user": x_user})
    response.headers["Location"] = f"/exports/{export.id}"
    return export


@app.get("/exports/{export_id}")
async def read_export(export_id: str, x_user: Annotated[str, Header()]) -> Response:
    found = await redis.get(f"export:{x_user}:{export_id}")
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="application/json")
