"""A report's status is true in every state, and the queue is as long as it is said to be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.arq_queue import ArqQueue
from grader.world.redis import Redis

PARTNERS = ("ledger",)
WORKERS = (("arq",),)
KEPT = 300
SETTINGS = {"RESULT_SECONDS": str(KEPT)}
TRY = ('POST /reports {"month": "2027-03"}', "GET /queue")
MARCH = {"month": "2027-03"}
LATER: dict[str, Any] = {"month": "2027-04", "delay": 3600}
TOTAL = 1200
ERROR = "The ledger gave no total."
HANDOVER = 0.5
"""Seconds of idleness: a worker sleeps between two looks into the queue, so the job lies there while all sleep."""


@pytest.fixture(autouse=True)
def ledger(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that knows the total; a report is running for as long as it keeps somebody waiting."""
    partner = world.partner("ledger")
    partner.answer(200, {"total": TOTAL})
    return partner


@behaviour(points=1, hint="Accepted is not finished: where can the visitor look again?")
def test_report_is_accepted(visitor: Visitor) -> None:
    """A report that is asked for is answered with 202, its id, and the address at which it is found."""
    accepted = visitor.post("/reports", MARCH)
    assert accepted.status == 202, f"The report was answered with {accepted.shown()}."
    where = accepted.follow()
    report = visitor.get(where)
    assert report.status == 200, f"GET {where} was answered with {report.shown()}."
    same = report.field("id", str) == accepted.field("id", str)
    assert same, f"The report was accepted as {accepted.text}, and at its address stands {report.text}."


@behaviour(points=1, hint="An id that you never gave out: is that a state of a job?")
def test_unknown_report_is_not_found(visitor: Visitor) -> None:
    """An id that is no report's is answered with 404."""
    reply = visitor.get("/reports/of-nobody")
    assert reply.status == 404, f"Nobody has asked for that report; its status was answered with {reply.shown()}."


@behaviour(points=2, hint="A job can lie in the queue for two reasons. Do you tell them apart?")
def test_report_that_nobody_has_begun(visitor: Visitor, world: World) -> None:
    """A report that waits for a worker is queued, and one whose time has not come is scheduled."""
    _assert_status(visitor.get(_ask_for(visitor, MARCH)), "queued", "No worker was there")
    _assert_status(visitor.get(_ask_for(visitor, LATER)), "scheduled", "The report's time was an hour off")
    world.clock.set((datetime.now(UTC) - timedelta(seconds=2 * LATER["delay"])).isoformat())
    where = _ask_for(world.instance().visitor, LATER)  # so that its time has come, and nobody has to wait for it
    _assert_status(visitor.get(where), "queued", "Another instance had accepted the report, due an hour ago by now")


@behaviour(points=2, hint="How do you notice that a worker has taken the job up?")
def test_report_is_running(visitor: Visitor, worker: App, ledger: Partner) -> None:
    """A report that a worker is at is running."""
    del worker  # it only has to be up
    with ledger.closed() as gate:
        where = _ask_for(visitor, MARCH)
        assert gate.knocked(HANDOVER), "No worker asked the ledger for the total."
        _assert_status(visitor.get(where), "running", "The worker waited for the ledger")


@behaviour(points=2, hint="Which part of what ARQ keeps of a job that has ended is the job's own answer?")
def test_report_is_done(visitor: Visitor, worker: App, ledger: Partner) -> None:
    """A report that has been made is done, and shows the ledger's total of its month."""
    del worker
    for month, total in (("2027-03", TOTAL), ("2027-04", 0)):
        ledger.answer(200, {"total": total})
        report = _in_the_end(visitor, _ask_for(visitor, {"month": month}))
        _assert_status(report, "done", f"The ledger had given the total, {total}")
        assert report.field("total", int) == total, f"The ledger's total is {total}, the report's is {report.text}."
        assert report.field("error") is None, f"Nothing went wrong, and the report speaks of an error: {report.text}."
        asked = urlsplit(ledger.next().path)
        right = asked.path == "/total" and parse_qs(asked.query) == {"month": [month]}
        assert right, f"A report on {month} was ordered, and the ledger was asked for {asked.geturl()}."


@behaviour(
    points=4,
    hint="What a job raises is pickled there and read here: try that by hand. What of it may be shown?",
)
def test_report_has_failed(visitor: Visitor, worker: App, ledger: Partner) -> None:
    """A report whose ledger answers with an error or hangs up has failed, and says so in the one sentence."""
    del worker
    for calls, trouble in ((1, "answered 503"), (2, "hung up")):
        if trouble == "hung up":
            ledger.drop(times=1)
        else:
            ledger.answer(503, {"detail": "no route to db-3.internal"}, times=1)
        report = _in_the_end(visitor, _ask_for(visitor, MARCH))
        assert len(ledger.calls) <= calls, f"The ledger {trouble}, and was asked for the same report once more."
        _assert_status(report, "failed", f"The ledger {trouble}")
        assert report.field("error") == ERROR, f'The visitor was to be told "{ERROR}", and was told {report.text}.'
        assert report.field("total") is None, f"There is no total, and the report shows one: {report.text}."


@behaviour(
    points=2,
    hint="Who throws old results away, and who told them when?",
    needs=["test_report_is_done", "test_unknown_report_is_not_found"],
)
def test_report_is_forgotten_in_time(visitor: Visitor, worker: App, ledger: Partner, redis: Redis) -> None:
    """A report is kept for RESULT_SECONDS after its end, and then forgotten."""
    del worker
    with ledger.closed() as gate:
        where = _ask_for(visitor, MARCH)
        assert gate.knocked(HANDOVER), "No worker asked the ledger for the total."
        redis.age(KEPT * 0.15)  # this is before its end; no lease of a job that may take a minute ends by then
    _in_the_end(visitor, where)
    redis.age(KEPT * 0.9)
    kept = visitor.get(where)
    assert kept.status == 200, f"{KEPT * 9 // 10} of {KEPT} s after its end, the report was answered {kept.shown()}."
    redis.age(KEPT * 0.2)
    forgotten = visitor.get(where)
    assert forgotten.status == 404, f"{KEPT * 11 // 10} s after its end, {KEPT} being set: {forgotten.shown()}."


@behaviour(points=4, hint="What kind of thing is the queue in Redis, and when does a job leave it?")
def test_queue_is_as_long_as_it_is_said_to_be(visitor: Visitor, world: World, ledger: Partner, redis: Redis) -> None:
    """Waiting are the reports that nobody has begun, running those that a worker is at."""
    for report in (MARCH, LATER):
        _ask_for(visitor, report)
    _assert_queue(visitor.get("/queue"), 2, 0, "One report waited for a worker and one for its time")
    with ledger.closed() as gate:
        worker = world.workers.ready("arq")  # not to be begun ahead: with a worker there, nothing is queued
        assert gate.knocked(HANDOVER), "No worker asked the ledger for the total."
        _ask_for(visitor, MARCH)  # whoever has counted when the worker came counts again now
        assert gate.knocked(HANDOVER, times=2), "No worker asked the ledger for two totals."
        _assert_queue(visitor.get("/queue"), 1, 2, "A worker was at two reports, and one waited for its time")
        worker.kill()  # whoever counts up at the beginning and down at the end has counted two too many
    ArqQueue(redis).time_out()
    worker.restart()
    ended = visitor.until("/queue", lambda reply: reply.json == {"waiting": 1, "running": 0}, patience=HANDOVER)
    _assert_queue(ended, 1, 0, "The next worker was done with both reports, and one waited for its time")


def _ask_for(visitor: Visitor, report: dict[str, Any]) -> str:
    """Ask for a report; the path at which it is found."""
    accepted = visitor.post("/reports", report)
    return f"/reports/{accepted.field('id', str)}"


def _in_the_end(visitor: Visitor, where: str) -> Reply:
    """Ask for a report until it has ended, or cannot be asked for."""
    return visitor.until(where, lambda reply: not _under_way(reply), patience=HANDOVER)


def _under_way(reply: Reply) -> bool:
    return isinstance(reply.json, dict) and reply.json.get("status") in ("scheduled", "queued", "running")


def _assert_status(reply: Reply, word: str, situation: str) -> None:
    assert reply.status == 200, f"{situation}; the report was answered {reply.shown()}."
    told = reply.field("status", str)
    assert told == word, f'{situation}: the report is "{word}", and said to be "{told}".'


def _assert_queue(reply: Reply, waiting: int, running: int, situation: str) -> None:
    assert reply.status == 200, f"{situation}; the queue was answered {reply.shown()}."
    told = (reply.field("waiting", int), reply.field("running", int))
    assert told == (waiting, running), f"{situation}; {told[0]} were said to be waiting, and {told[1]} running."
