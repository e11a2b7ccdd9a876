"""A report is made in steps: one, then several at a time, then one again, and what fails on the way is told."""

from collections.abc import Mapping

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.celery_broker import CeleryBroker
from grader.world.gate import Gate
from grader.world.redis import Redis

PARTNERS = ("ledger", "archive", "press")
WORKER = ("celery", "worker", "--pool=threads", "--concurrency=1")
WORKERS = (WORKER,)
TRY = ('POST /reports {"month": "2027-03", "regions": ["north", "south"]}',)
MONTH, REGIONS = "2027-03", ["north", "south", "west"]
MARCH = {"month": MONTH, "regions": REGIONS}
TWO = {"month": MONTH, "regions": ["north", "south"]}
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
    accepted, closed = visitor.post("/reports", MARCH), ledger.next(HANDED_OVER)
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
def test_regions_do_not_wait_for_each_other(
    visitor: Visitor, world: World, worker: App, ledger: Partner, archive: Partner, press: Partner
) -> None:
    """Two workers ask for two regions at once when the month is closed; the answers come in another order."""
    world.workers.ready(*WORKER)
    for total in 3, 2, 1:  # who is asked first says 1
        archive.answer(200, {"total": total}, times=1)
    with archive.closed(at="answer") as answers, archive.closed(let=1) as sales:
        with ledger.closed() as gate:
            accepted = visitor.post("/reports", MARCH)
            assert gate.knocked(HANDED_OVER), "The ledger was never asked to close the month."
            early = answers.knocked(NOT_YET)
            assert not early, "The ledger had not closed the month yet, and the archive was asked already."
        both = answers.knocked(HANDED_OVER) and sales.knocked(HANDED_OVER)
        assert both, f"Two workers were there for three regions, and {len(archive.calls)} was asked for at a time."
        _answer_the_later(archive, answers, sales)
        worker.patience.until(lambda: False, idle=NOT_YET)  # until what has been answered is done with
        assert not press.calls, "The archive had not answered for all regions, and the report was published."
    order = [call.path.rpartition("/")[2] for call in archive.expect(len(REGIONS), HANDED_OVER)]
    _assert_published(press, accepted, dict(zip(order, (1, 2, 3), strict=True)))


@behaviour(
    points=4,
    hint="What does the step that collects get to see of a region that raised, if it is called at all?",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_missing_regions_are_told(visitor: Visitor, archive: Partner, press: Partner) -> None:
    """Regions for which the archive fails end up missing, and the rest is published: one that sold nothing, or none."""
    archive.answer(404, times=2)
    archive.answer(200, {"total": 0}, times=1)
    archive.drop(times=1)
    archive.answer(500, {"total": 99}, times=1)  # this one comes first
    accepted = _order_until_published(visitor, press, MARCH)
    asked = [call.path.rpartition("/")[2] for call in archive.expect(len(REGIONS), HANDED_OVER)]
    _assert_published(press, accepted, {asked[2]: 0})
    _assert_ends(visitor, accepted, "partial", sorted(asked[:2]), None)
    empty = visitor.post("/reports", TWO)
    _assert_published(press, empty, {})
    _assert_ends(visitor, empty, "partial", TWO["regions"], None)


@behaviour(
    points=4,
    hint="A step has failed. Who writes down which one, and what keeps the next ones from being taken?",
    needs=["test_report_is_published"],
)
@pytest.mark.usefixtures("worker")
def test_failing_step_is_named(visitor: Visitor, ledger: Partner, archive: Partner, press: Partner) -> None:
    """When the ledger or the press fails, the report has failed in that step, and no further one is taken."""
    ledger.answer(409, times=1)
    ledger.drop(times=1)  # this one comes first
    press.answer(500)
    press.drop(times=1)
    for _ in range(2):
        _assert_ends(visitor, visitor.post("/reports", TWO), "failed", [], "close")
    assert not archive.calls, "The month could not be closed, and the archive was asked all the same."
    for _ in range(2):
        _assert_ends(visitor, _order_until_published(visitor, press, TWO), "failed", [], "publish")
    asked = len(ledger.calls), len(press.calls)
    assert asked == (4, 2), f"Ledger and press were asked {asked} times, and not (4, 2) times: once for each report."


def _order_until_published(visitor: Visitor, press: Partner, order: Mapping[str, object]) -> Reply:
    """Order a report, see that it is running as long as the press has not answered, and let that answer."""
    with press.closed() as gate:
        accepted = visitor.post("/reports", order)
        assert gate.knocked(HANDED_OVER), "The press service was not called."
        told = visitor.get(_place(accepted))
        assert not _ended(told), f"The press had not answered yet, and this was told of the report: {told.shown()}."
    return accepted


def _answer_the_later(archive: Partner, answers: Gate, sales: Gate) -> None:
    """Answer for one of two regions: the later one of the order, which is that of the alphabet."""
    first, second = archive.calls[:2]  # the first one stands at the answers' gate, the second one at the calls'
    if first.path > second.path:
        answers.open()
    else:
        answers.close(let=1)
        sales.open()


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
