"""A report is made in steps: one, then several at a time, then one again, and what fails on the way is told."""

import pytest

from grader.behaviour import behaviour
from grader.world import Partner, Reply, Visitor, World
from grader.world.celery_broker import CeleryBroker
from grader.world.redis import Redis

PARTNERS = ("ledger", "archive", "press")
WORKER = ("celery", "worker", "--pool=threads", "--concurrency=1")
WORKERS = (WORKER,)
TRY = ('POST /reports {"month": "2027-03", "regions": ["north", "south"]}',)
MONTH, REGIONS = "2027-03", ["north", "south", "west"]
MARCH = {"month": MONTH, "regions": REGIONS}
NOT_YET = 0.05
"""Seconds of idleness: what has not to wait for the ledger is in the queue already, and a worker sits by it."""
HANDED_OVER = 0.5
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""


@pytest.fixture(autouse=True)
def press(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that publishes reports."""
    return world.partner("press")


@pytest.fixture(autouse=True)
def ledger(world: World) -> Partner:
    """The service that closes months."""
    return world.partner("ledger")


@pytest.fixture(autouse=True)
def archive(world: World) -> Partner:
    """The service that knows each region's total."""
    partner = world.partner("archive")
    partner.answer(200, {"total": 12})
    return partner


@behaviour(points=2, hint="Who waits for the steps? And when is it that they are sent off?")
def test_report_is_under_way(visitor: Visitor, redis: Redis, ledger: Partner) -> None:
    """A report is answered with 202 while no worker is there; its steps are in the queue, and were not before."""
    broker = CeleryBroker(redis)
    early = broker.queues()
    assert not early, (
        "No report was ordered yet, and there was a task in the queue: somebody had only imported your file."
    )
    accepted = visitor.post("/reports", MARCH)
    assert accepted.arrived, "No worker was there, and the visitor was kept waiting for one."
    assert accepted.status == 202, f"The report was answered with {accepted.shown()}."
    assert broker.queues(), "A report was ordered, and there is no task in the queue."
    told = visitor.get(_place(accepted))
    assert _told(told) == ("running", [], None), f"No worker is there, and this is told of the report: {told.shown()}."
    assert not ledger.calls, "Your service has closed the month itself; workers are to take the steps."


@behaviour(
    points=4,
    hint="One worker, one task at a time. Does any of your tasks wait for another one? What does each of them get?",
    needs=["test_report_is_under_way"],
)
@pytest.mark.usefixtures("worker")
def test_report_is_published(visitor: Visitor, ledger: Partner, archive: Partner, press: Partner) -> None:
    """One worker closes the month, asks for each region, and publishes the totals of all."""
    accepted = visitor.post("/reports", MARCH)
    closed = ledger.next(HANDED_OVER)
    assert closed.path == f"/months/{MONTH}/close", f"The ledger was asked {closed.method} {closed.path}."
    asked = sorted(call.path for call in archive.expect(len(REGIONS), HANDED_OVER))
    expected = [f"/sales/{MONTH}/{region}" for region in REGIONS]
    assert asked == expected, f"The archive was asked {', '.join(asked)}, instead of {', '.join(expected)}."
    _assert_published(press, accepted, dict.fromkeys(REGIONS, 12))
    _assert_ends(visitor, accepted, "done", [], None)
    calls = len(ledger.calls), len(archive.calls), len(press.calls)
    assert calls == (1, len(REGIONS), 1), f"Ledger, archive and press were asked {calls} times."


@behaviour(
    points=2,
    hint="What do you hand to the last step when there is one region, and what does it take?",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_report_of_one_region(visitor: Visitor, press: Partner) -> None:
    """A report of a single region is published, too."""
    accepted = visitor.post("/reports", MARCH | {"regions": ["north"]})
    _assert_published(press, accepted, {"north": 12})
    _assert_ends(visitor, accepted, "done", [], None)


@behaviour(
    points=3,
    hint="Which of the steps needs which other one? Draw the arrows.",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_regions_do_not_wait_for_each_other(
    visitor: Visitor, world: World, ledger: Partner, archive: Partner, press: Partner
) -> None:
    """Two workers ask for two regions at the same time, once the month is closed; all are waited for."""
    world.workers.ready(*WORKER)
    with archive.closed() as sales:
        with ledger.closed() as gate:
            visitor.post("/reports", MARCH)
            closing = gate.knocked(HANDED_OVER)
            early = sales.knocked(NOT_YET)
            assert not early, "The ledger had not closed the month yet, and the archive was asked already."
            assert closing, "The ledger was never asked to close the month."
        both = sales.knocked(HANDED_OVER, times=2)
        assert both, f"Two workers were there for three regions, and {sales.waiting} was asked for at a time."
        assert not press.calls, "The archive had not answered, and the report was published."
    press.next(HANDED_OVER)


@behaviour(
    points=4,
    hint="What does the step that collects get to see of a region that raised, if it is called at all?",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_missing_regions_are_told(visitor: Visitor, archive: Partner, press: Partner) -> None:
    """When the archive fails for two of three regions, the third is published, and the report is partial."""
    archive.drop(times=1)
    archive.answer(500, {"total": 99}, times=1)  # this one comes first
    accepted = visitor.post("/reports", MARCH)
    asked = [call.path.rpartition("/")[2] for call in archive.expect(len(REGIONS), HANDED_OVER)]
    _assert_published(press, accepted, {asked[2]: 12})
    _assert_ends(visitor, accepted, "partial", sorted(asked[:2]), None)


@behaviour(
    points=4,
    hint="A step has failed. Who writes down which one, and what keeps the next ones from being taken?",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_failing_step_is_named(visitor: Visitor, ledger: Partner, archive: Partner, press: Partner) -> None:
    """When the ledger or the press fails, the report has failed in that step, and no further one is taken."""
    press.answer(500)
    ledger.drop(times=1)
    open_month = visitor.post("/reports", MARCH)
    _assert_ends(visitor, open_month, "failed", [], "close")
    unpublished = visitor.post("/reports", MARCH)
    press.next(HANDED_OVER)
    _assert_ends(visitor, unpublished, "failed", [], "publish")
    assert len(archive.calls) == len(REGIONS), "The month could not be closed, and the archive was asked all the same."
    assert len(press.calls) == 1, (
        f"One report of two got as far as the press, which was asked {len(press.calls)} times."
    )


def _place(accepted: Reply) -> str:
    return f"/reports/{accepted.field('id', str)}"


def _told(reply: Reply) -> tuple[object, object, object]:
    return reply.field("status", str), sorted(reply.field("missing", list)), reply.field("failed_step")


def _ended(reply: Reply) -> bool:
    return isinstance(reply.json, dict) and reply.json.get("status") != "running"


def _assert_ends(visitor: Visitor, accepted: Reply, *expected: object) -> None:
    reply = visitor.until(_place(accepted), _ended, HANDED_OVER)
    assert _told(reply) == expected, f"The status was to be {expected[0]}, and this is told of it: {reply.shown()}."


def _assert_published(press: Partner, accepted: Reply, totals: dict[str, int]) -> None:
    call = press.next(HANDED_OVER)
    expected = {"report": accepted.field("id", str), "month": MONTH, "totals": totals}
    assert call.json == expected, f"The press was told {call.body.decode()}, instead of {expected}."
