"""Says "partial" as soon as a region is missing, before the report is published."""

MISTAKE = "A7"
FAILS = ["test_missing_regions_are_told"]


import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
from celery import Celery, chord
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
def close(report_id: str, month: str) -> None:
    with named("close", report_id):
        http.post(f"{os.environ['LEDGER_URL']}/months/{month}/close").raise_for_status()


@celery_app.task
def ask(report_id: str, month: str, region: str) -> int | None:
    """Ask for a region's total; None when there is none to be had: a region that raised would end it for all."""
    try:
        answer = http.get(f"{os.environ['ARCHIVE_URL']}/sales/{month}/{region}").raise_for_status()
        return int(answer.json()["total"])
    except httpx.HTTPError:
        save(Report(id=report_id, status="partial", missing=[region]))
        return None


@celery_app.task
def publish(found: list[int | None], report_id: str, month: str, regions: list[str]) -> None:
    """Publish what was found, in the order of the regions."""
    totals = {region: total for region, total in zip(regions, found, strict=True) if total is not None}
    missing = [region for region in regions if region not in totals]
    with named("publish", report_id):
        report = {"report": report_id, "month": month, "totals": totals}
        http.post(f"{os.environ['PRESS_URL']}/reports", json=report).raise_for_status()
    save(Report(id=report_id, status="partial" if missing else "done", missing=missing))


def make_report(report_id: str, new: NewReport) -> None:
    """Have the steps taken; returns at once."""
    regions = [ask.si(report_id, new.month, region) for region in new.regions]
    steps = close.si(report_id, new.month) | chord(regions, publish.s(report_id, new.month, new.regions))
    steps.delay()


@app.post("/reports", status_code=202)
def order_report(new: NewReport) -> Report:
    report = Report(id=uuid4().hex)
    save(report)
    make_report(report.id, new)
    return report


@app.get("/reports/{report_id}")
def read_report(report_id: str) -> Report:
    return Report.model_validate_json(str(redis.get(report_id)))
