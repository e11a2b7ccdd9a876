"""Gives the totals to the regions in the order in which they came, not in which they were asked for."""

MISTAKE = "E23"
FAILS = ["test_regions_do_not_wait_for_each_other"]


import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
from celery import Celery
from fastapi import FastAPI
from pydantic import BaseModel, Field
from redis import Redis


class NewReport(BaseModel):
    month: str
    regions: list[str] = Field(min_length=1)


class Report(BaseModel):
    id: str
    status: str = "running"
    missing: list[str] = []
    failed_step: str | None = None


app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
celery_app = Celery("reports", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
http = httpx.Client(timeout=60)


def save(report: Report) -> None:
    redis.set(report.id, report.model_dump_json())


@contextmanager
def named(step: str, report_id: str) -> Iterator[None]:
    """Note in which step a report has failed; the error goes on, and ends the workflow."""
    try:
        yield
    except httpx.HTTPError:
        save(Report(id=report_id, status="failed", failed_step=step))
        raise


@celery_app.task
def close(report_id: str, month: str, regions: list[str]) -> None:
    with named("close", report_id):
        http.post(f"{os.environ['LEDGER_URL']}/months/{month}/close").raise_for_status()
    for region in regions:
        ask.delay(report_id, month, region, regions)


@celery_app.task
def ask(report_id: str, month: str, region: str, regions: list[str]) -> None:
    try:
        answer = http.get(f"{os.environ['ARCHIVE_URL']}/sales/{month}/{region}").raise_for_status()
        redis.rpush(f"{report_id}:totals", answer.json()["total"])
    except httpx.HTTPError:
        redis.sadd(f"{report_id}:missing", region)
    if redis.incr(f"{report_id}:through") == len(regions):
        publish.delay(report_id, month, regions)


@celery_app.task
def publish(report_id: str, month: str, regions: list[str]) -> None:
    """Publish what was found, in the order of the regions."""
    missing = [region for region in regions if redis.sismember(f"{report_id}:missing", region)]
    found = [region for region in regions if region not in missing]
    totals = dict(zip(found, map(int, redis.lrange(f"{report_id}:totals", 0, -1)), strict=True))
    with named("publish", report_id):
        report = {"report": report_id, "month": month, "totals": totals}
        http.post(f"{os.environ['PRESS_URL']}/reports", json=report).raise_for_status()
    save(Report(id=report_id, status="partial" if missing else "done", missing=missing))


def make_report(report_id: str, new: NewReport) -> None:
    """Have the steps taken; returns at once."""
    close.delay(report_id, new.month, new.regions)


@app.post("/reports", status_code=202)
def order_report(new: NewReport) -> Report:
    report = Report(id=uuid4().hex)
    save(report)
    make_report(report.id, new)
    return report


@app.get("/reports/{report_id}")
def read_report(report_id: str) -> Report:
    return Report.model_validate_json(str(redis.get(report_id)))
