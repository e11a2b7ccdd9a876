"""Has ARQ run each job when the worker starts as well."""

MISTAKE = "G14"
FAILS = ["test_each_tool_sends_the_digest_at_nine"]


import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import anyio
import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from arq import cron
from arq.connections import RedisSettings
from celery import Celery
from celery.schedules import crontab
from fastapi import FastAPI
from pydantic import AwareDatetime

BERLIN = ZoneInfo("Europe/Berlin")

# No hour from two to three: once a year it is missing, and once a year it comes twice.
FOR_CELERY = {
    "digest": crontab(day_of_week="mon", hour=9, minute=0),
    "backup": crontab(hour=4, minute=0),
    "closing": crontab(day_of_month="28-31", hour=18, minute=0),  # has_work knows which of them is the last
}
FOR_ARQ: dict[str, dict[str, Any]] = {
    "digest": {"weekday": "mon", "hour": 9, "minute": 0},
    "backup": {"hour": 4, "minute": 0},
    "closing": {"day": {28, 29, 30, 31}, "hour": 18, "minute": 0},
}
FOR_APSCHEDULER = {  # a trigger has a zone of its own: it does not ask the scheduler for one
    "digest": CronTrigger(day_of_week="mon", hour=9, timezone=BERLIN),
    "backup": CronTrigger(hour=4, timezone=BERLIN),
    "closing": CronTrigger(day="last", hour=18, timezone=BERLIN),
}


def has_work(job: str, at: datetime) -> bool:
    """Whether a job that is started at this instant has anything to do."""
    return job != "closing" or (at.astimezone(BERLIN) + timedelta(days=1)).day == 1


def run(job: str, tool: str) -> None:
    """Do a job: tell the office."""
    if has_work(job, datetime.now(UTC)):
        httpx.post(f"{os.environ['OFFICE_URL']}/{job}", json={"by": tool}).raise_for_status()


celery_app = Celery("calendars", broker=os.environ["REDIS_URL"])
celery_app.conf.timezone = "Europe/Berlin"
celery_app.conf.beat_schedule = {
    job: {"task": "run_job", "args": [job], "schedule": schedule} for job, schedule in FOR_CELERY.items()
}


@celery_app.task(name="run_job")  # type: ignore[untyped-decorator]
def run_by_celery(job: str) -> None:
    run(job, "celery")


def for_arq(job: str) -> Any:
    async def run_by_arq(_ctx: dict[Any, Any]) -> None:
        await anyio.to_thread.run_sync(run, job, "arq")

    return run_by_arq


class WorkerSettings:
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    timezone = BERLIN
    cron_jobs: ClassVar = [cron(for_arq(job), name=job, run_at_startup=True, **entry) for job, entry in FOR_ARQ.items()]


scheduler = AsyncIOScheduler()
for name, trigger in FOR_APSCHEDULER.items():
    scheduler.add_job(run, trigger, args=[name, "apscheduler"], id=name, misfire_grace_time=60)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    scheduler.start()
    yield
    scheduler.shutdown()


app = FastAPI(lifespan=lifespan)


def next_run(tool: str, job: str, at: datetime) -> datetime:
    """Ask a tool when it starts a job for the first time after an instant."""
    found: datetime
    if tool == "celery":
        schedule = copy(celery_app.conf.beat_schedule[job]["schedule"])
        schedule.app, schedule.nowfun = celery_app, lambda: at
        found = at + schedule.remaining_estimate(at)
    elif tool == "arq":
        zone = getattr(WorkerSettings, "timezone", None) or datetime.now().astimezone().tzinfo
        entry: Any = next(copy(entry) for entry in WorkerSettings.cron_jobs if entry.name == job)
        entry.calculate_next(at.astimezone(zone))
        found = entry.next_run
    else:
        found = scheduler.get_job(job).trigger.get_next_fire_time(None, at + timedelta(microseconds=1))
    return found.astimezone(UTC)


def runs_between(tool: str, job: str, at: datetime, until: datetime) -> Iterator[datetime]:
    while (at := next_run(tool, job, at)) < until:  # in UTC: on Berlin's own clock an hour comes twice
        if has_work(job, at):
            yield at


@app.get("/runs/{tool}/{job}")
def list_runs(tool: str, job: str, after: AwareDatetime, until: AwareDatetime) -> dict[str, list[datetime]]:
    return {"runs": list(islice(runs_between(tool, job, after.astimezone(UTC), until), 100))}
