"""Three tools keep one timetable: what each of them is going to do, and what it really does at nine."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App
from grader.world import Partner, Visitor, World
from grader.world.redis import Redis

PARTNERS = ("office",)
SETTINGS = {"TZ": "America/New_York"}
"""The servers stand elsewhere."""
TRY = (
    "GET /runs/celery/digest?after=2027-01-01T00:00:00Z&until=2027-02-01T00:00:00Z",
    "GET /runs/arq/backup?after=2027-10-29T12:00:00Z&until=2027-11-02T12:00:00Z",
    "GET /runs/apscheduler/closing?after=2027-01-01T00:00:00Z&until=2028-01-01T00:00:00Z",
)
ZULU = "%Y-%m-%dT%H:%MZ"
BERLIN = ZoneInfo("Europe/Berlin")
TOOLS = {"celery": "Celery", "arq": "ARQ", "apscheduler": "APScheduler"}
SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)
"""The days on which the clocks change."""
NINE = datetime(2027, 3, 29, 9, tzinfo=BERLIN)
"""On the Monday after that."""
LEAD = 0.7
"""Seconds before nine at which the tools are started: they are up after a quarter of a second on a quiet machine."""
MOST_ROUNDS = 6
SHORTLY = 0.6
"""Seconds after nine in which a tool has to have sent the digest; a quarter of a second is what they need."""


@pytest.fixture(autouse=True)
def office(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - Celery and ARQ need it
    """The office, where a job that is run reports."""
    return world.partner("office")


def runs(visitor: Visitor, tool: str, job: str, first: date, last: date) -> list[datetime]:
    """When a tool is going to do a job, from one noon in Berlin to another, in Berlin's time."""
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN).astimezone(UTC) for day in (first, last)]
    reply = visitor.get(f"/runs/{tool}/{job}?after={noons[0]:{ZULU}}&until={noons[1]:{ZULU}}")
    assert reply.status == 200, f"Asked when {TOOLS[tool]} does the job {job!r}, your app answered {reply.shown()}."
    return [_in_berlin(run) for run in reply.field("runs", list)]


def _in_berlin(run: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(run))
    except ValueError:
        raise Unmet(f"This is no instant in ISO 8601: {run!r}") from None
    if instant.tzinfo is None:
        raise Unmet(f"This has no offset, so it is no instant: {run!r}")
    return instant.astimezone(BERLIN)


def told(times: Sequence[datetime]) -> str:
    """Tell some instants, the first of them at least."""
    shown = ", ".join(f"{run:%a %d %b %Y %H:%M%z}" for run in times[:3])
    return f"{shown} and {len(times) - 3} more" if len(times) > 3 else shown or "never"


@behaviour(points=2, hint="You say the hour. What does each tool take for the minute?")
def test_digest_goes_out_once_a_week(visitor: Visitor) -> None:
    """The digest goes out once a week."""
    for tool, name in TOOLS.items():
        found = runs(visitor, tool, "digest", date(2027, 1, 6), date(2027, 1, 20))
        assert len(found) == 2, f"In two weeks {name} sends the digest {len(found)} times: {told(found)}."


@behaviour(points=2, hint="With which day does the week begin, and with which number? Whom do you ask?")
def test_digest_goes_out_on_mondays(visitor: Visitor) -> None:
    """It goes out on a Monday."""
    for tool, name in TOOLS.items():
        found = runs(visitor, tool, "digest", date(2027, 1, 6), date(2027, 1, 20))
        assert found, f"In two weeks {name} never sends the digest."
        assert {run.weekday() for run in found} == {0}, f"{name} sends the digest on {told(found)}."


@behaviour(points=3, hint="Whose nine o'clock is it, and who has been told? And what happens to it in spring?")
def test_nine_is_nine_in_berlin(visitor: Visitor) -> None:
    """It goes out when it is nine in Berlin, in winter and in summer, wherever the server stands."""
    for tool, name in TOOLS.items():
        for change in (SPRING, AUTUMN):
            week = timedelta(weeks=1)
            found = runs(visitor, tool, "digest", change - week, change + week)
            assert found, f"In the two weeks around {change} {name} never sends the digest."
            wrong = [run for run in found if run.hour != 9]
            assert not wrong, f"{name} sends the digest on {told(wrong)}: in Berlin that is not nine."


@behaviour(points=3, hint="Which times of the night are there every night, and once?")
def test_backup_is_made_once_each_night(visitor: Visitor) -> None:
    """The backup is made once each night, also in the nights in which the clocks change."""
    for tool, name in TOOLS.items():
        for change in (SPRING, AUTUMN):
            days = [change + timedelta(days=ahead) for ahead in (-1, 0, 1)]
            found = runs(visitor, tool, "backup", days[0] - timedelta(days=1), days[-1])
            for day in days:
                tonight = [run for run in found if run.date() == day]
                assert len(tonight) == 1, f"On {day} {name} makes {len(tonight)} backups: {told(tonight)}."
            late = [run for run in found if not 1 <= run.hour < 5]
            assert not late, f"{name} makes a backup on {told(late)}: not between one and five."


@behaviour(points=3, hint="How many days has a month? A tool that cannot count them may start you more often.")
def test_books_are_closed_on_the_last_day_of_each_month(visitor: Visitor) -> None:
    """The books are closed on the last day of each month at 18:00, also in February, also in a leap year."""
    ends = [date(2027 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(1, 15)]
    for tool, name in TOOLS.items():
        found = runs(visitor, tool, "closing", date(2027, 1, 1), date(2028, 3, 1))
        wrong = [run for run in found if run.date() not in ends or (run.hour, run.minute) != (18, 0)]
        assert not wrong, f"{name} closes the books on {told(wrong)}: that is not the last day at 18:00."
        missing = sorted(set(ends) - {run.date() for run in found})
        assert not missing, f"On {missing[0]}, the last day of its month, {name} does not close the books."
        assert len(found) == len(ends), f"In {len(ends)} months {name} closes the books {len(found)} times."


@behaviour(
    points=3,
    hint="A timetable says what is to be done. Who does it, and does he know what is meant?",
    needs=["test_digest_goes_out_on_mondays", "test_nine_is_nine_in_berlin"],
)
def test_each_tool_sends_the_digest_at_nine(world: World, office: Partner) -> None:
    """At nine on a Monday in Berlin each of the three tools, at work on a server in New York, sends the digest."""
    left = _all_wait_for_nine(world, office)
    world.patience.until(lambda: len(office.calls) >= len(TOOLS), idle=left + SHORTLY)
    assert {call.path for call in office.calls} <= {"/digest"}, f"The office was told of {office.calls[0].path}."
    told_by = Counter(call.field("by", str) for call in office.calls)
    for tool, name in TOOLS.items():
        assert told_by[tool] == 1, f"It was nine on Monday; {name} sent {told_by[tool]} digests."


def _all_wait_for_nine(world: World, office: Partner) -> float:
    """Start all tools shortly before nine, see that nothing is done yet, and return how many seconds are left.

    On a machine that is so slow that it was nine by then, start again, and earlier. What is left has to be waited for:
    a process's clock can be set, but what it sleeps is real.
    """
    lead = LEAD
    for _ in range(MOST_ROUNDS):
        tools = _start_all(world, lead)
        early = [call.field("by", str) for call in office.calls]
        left = _seconds_until_nine(world)
        if left > 0:
            assert not early, f"It was not nine yet, and the office had been told already: {', '.join(early)}."
            return left
        _end(tools, world, office)
        lead = 2 * (lead - left)
    raise TimeoutError("This machine is too slow: the tools were never up by nine.")


def _start_all(world: World, lead: float) -> list[App]:
    """Start all tools so long before nine, and wait until each of them knows what comes next, and sleeps."""
    world.clock.set((NINE - timedelta(seconds=lead)).isoformat(), "America/New_York")
    tools = [
        world.workers.start("celery", "worker", "--pool=threads", "--concurrency=1"),
        world.workers.start("celery", "beat", "-s", str(world.data / f"beat-{lead}")),
        world.workers.start("arq"),
    ]
    service = world.instance().app
    for tool in tools:
        tool.wait_listening()
    world.patience.until(lambda: None, idle=0.03)
    return [*tools, service]


def _seconds_until_nine(world: World) -> float:
    setting = world.clock.setting()
    return NINE.timestamp() - setting.instant if setting else 0.0


def _end(tools: list[App], world: World, office: Partner) -> None:
    for tool in tools:
        tool.kill()
    world.patience.until(lambda: None, idle=0.01)  # what they had sent has come by then
    world.redis.client.flushdb()
    office.calls.clear()
