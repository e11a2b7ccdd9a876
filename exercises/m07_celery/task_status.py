"""The task's status: one address that tells the truth, and only to the owner.

POST /exports  {"month": "2027-03"}, with a header X-User: who orders it (a gateway has made sure of that, and sets the
    header in every request). 202 Accepted, {"id": "<string>", "status": "queued", "rows": null, "error": null}, and a
    Location header that leads to the export.
GET /exports/{id}, with the same header
    200 and the same four fields. The status is "queued" until a worker begins, then "running", in the end "done" or
    "failed". Only of one that is done rows is a number: what the archive said. Only of one that failed error is a text.
    404 for an id that was never given out, for somebody else's export, and for one that has expired: alike to the word.

A worker, made of this same file, asks the archive: GET ARCHIVE_URL/exports/2027-03 is answered 200 {"rows": 12}. When
it answers with an error status, or hangs up, the export has failed, and is not tried again. The error is a sentence for
customers, without any address, any exception's name, and anything that the archive said.

What is known of an export lies in Redis, at REDIS_URL. RESULT_TTL_SECONDS (a whole number) after its end nothing of it
is left there, because every key has expired by itself; until then it can be asked for. The time counts from the end:
one that waits in the queue stays "queued", however long it waits. Nothing dawdles: an effect follows its cause within a
tenth of a second.

Your part is all but the models: as it is, nobody knows whose an export is, and Celery's word is taken for everything.
The grader starts the worker so:

    celery -A exercises.m07_celery.task_status:celery_app worker --pool=threads --concurrency=1
"""

import os
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI, Response
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
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


@celery_app.task
def make_export(month: str) -> int:
    """Ask the archive; return the number of rows."""
    answer = httpx.get(f"{os.environ['ARCHIVE_URL']}/exports/{month}", timeout=60)
    answer.raise_for_status()
    return int(answer.json()["rows"])


@app.post("/exports", status_code=202)
def order_export(new: NewExport, response: Response) -> Export:
    export = Export(id=uuid4().hex, status="queued")
    make_export.apply_async([new.month], task_id=export.id)
    response.headers["Location"] = f"/exports/{export.id}"
    return export


@app.get("/exports/{export_id}")
def read_export(export_id: str) -> Export:
    result = celery_app.AsyncResult(export_id)  # Your part: whose is it, and was it ever ordered?
    export = Export(id=export_id, status=STATUS[result.state])
    if export.status == "done":
        export.rows = result.result
    elif export.status == "failed":
        export.error = str(result.result)
    return export
