"""The first step, when it is done, puts the rest in its own place; coroutines do the asking."""

import asyncio
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


@celery_app.task(bind=True)
def close(self, report_id: str, month: str, regions: list[str]) -> None:
    with named("close", report_id):
        http.post(f"{os.environ['LEDGER_URL']}/months/{month}/close").raise_for_status()
    steps = chord([ask.si(month, region) for region in regions], publish.s(report_id, month, regions))
    raise self.replace(steps)


@celery_app.task
def ask(month: str, region: str) -> int | None:
    async def total() -> int:
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.get(f"{os.environ['ARCHIVE_URL']}/sales/{month}/{region}")
            answer.raise_for_status()
            return answer.json()["total"]

    try:
        return asyncio.run(total())
    except httpx.HTTPError:
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
