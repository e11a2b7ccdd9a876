"""The calendars: one timetable, kept by Celery beat, by ARQ's cron, and by APScheduler.

An office in Berlin cannot decide which tool it likes. Until it can, all three keep its timetable:

    digest   every Monday at 09:00
    backup   every night once, not before 01:00, and before 05:00: choose a time
    closing  on the last day of every month at 18:00

These are times in Berlin, all year round. The servers stand elsewhere, and nobody can tell what their zone is.

A job that is run posts to the office: OFFICE_URL/{job}, {"by": "celery"} or "arq" or "apscheduler". Celery and ARQ use
the Redis at REDIS_URL. APScheduler runs in the service, which also tells what is going to happen:

GET /runs/{tool}/{job}?after=...&until=...  (two instants in ISO 8601, with an offset)
    200 {"runs": ["2027-01-04T08:00:00Z", ...]}: when that tool will do the job, in UTC, a hundred runs at most

For this it asks each tool in the tool's own way. That is given, and so is how a job is run. Keep what it reads: each
job has one entry in each tool, under its name (a key of beat_schedule, a name in cron_jobs, an id in APScheduler).

Your part: the three tables, the zones, and has_work (a job that is started when it has nothing to do ends at once, and
that is no run). As it is, somebody wrote one table and copied it twice.
"""

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

# Your part begins here.
FOR_CELERY = {
    "digest": crontab(day_of_week=0, hour=9),
    "backup": crontab(hour=2, minute=30),
    "closing": crontab(day_of_month=31, hour=18),
}
FOR_ARQ: dict[str, dict[str, Any]] = {
    "digest": {"weekday": 0, "hour": 9},
    "backup": {"hour": 2, "minute": 30},
    "closing": {"day": 31, "hour": 18},
}
FOR_APSCHEDULER = {
    "digest": CronTrigger(day_of_week=0, hour=9),
    "backup": CronTrigger(hour=2, minute=30),
    "closing": CronTrigger(day=31, hour=18),
}


def has_work(job: str, at: datetime) -> bool:
    """Whether a job that is started at this instant has anything to do."""
    return job != "closing" or at.day >= 28


def run(job: str, tool: str) -> None:
    """Do a job: tell the office."""
    if has_work(job, datetime.now(UTC)):
        httpx.post(f"{os.environ['OFFICE_URL']}/{job}", json={"by": tool}).raise_for_status()


celery_app = Celery("calendars", broker=os.environ["REDIS_URL"])
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
    cron_jobs: ClassVar = [cron(for_arq(job), name=job, **entry) for job, entry in FOR_ARQ.items()]


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
