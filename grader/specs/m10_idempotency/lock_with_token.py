"""Instances share a lock that ends by itself, and that nobody frees but the one who holds it."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.redis import Redis
from grader.world.redis_line import Line

PARTNERS = ("ledger",)
TTL = 30
SETTINGS = {"LOCK_TTL_SECONDS": str(TTL)}
TRY = ("POST /reports",)
TOTAL = {"total": 1200}
EACH = 3
"""Requests that an instance gets at the same moment."""


@pytest.fixture(autouse=True)
def ledger(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no lock without Redis
    """The service that knows the total; a report is under way for as long as it keeps somebody waiting."""
    partner = world.partner("ledger")
    partner.answer(200, TOTAL)
    return partner


def is_made(reply: Reply) -> bool:
    """Whether a report was made; which status exactly says so is one behaviour's business."""
    return reply.status in {200, 201}


@behaviour(points=1, hint="Something has been created: which status says so?")
def test_report_is_made(visitor: Visitor) -> None:
    """A report is answered with 201 and the ledger's total."""
    reply = visitor.post("/reports")
    assert reply.status == 201, f"The report was answered with {reply.shown()}."
    assert reply.field("total", int) == TOTAL["total"], f"The ledger's total is 1200, the report's {reply.text}."


@behaviour(points=2, hint="Where does the lock lie: is there one for all, and from when until when is it held?")
def test_one_report_at_a_time(visitor: Visitor, world: World, ledger: Partner) -> None:
    """While one instance makes the report, another one answers 409; afterwards it makes the next."""
    other = world.instance()
    with ledger.closed() as gate:
        first = visitor.start("POST", "/reports")
        assert gate.knocked(), "Nobody asked the ledger for the total."
        refused = other.visitor.post("/reports")
        assert refused.status == 409, f"A report was being made; the other instance was to answer 409: {_told(refused)}"
    assert is_made(first.reply()), f"The report was not made in the end: {_told(first.reply())}"
    other.app.settle()  # whether the lock is free before the answer comes is another behaviour's business
    after = other.visitor.post("/reports")
    assert is_made(after), f"No report was being made any more, and yet: {_told(after)}"


@behaviour(
    points=2,
    hint="What can happen between seeing that it is free and having it?",
    needs=["test_one_report_at_a_time"],
)
def test_of_many_at_once_one_makes_the_report(visitor: Visitor, world: World, ledger: Partner, redis: Redis) -> None:
    """Of many requests at the same moment, one makes the report and the others are answered 409."""
    other = world.instance()
    with ledger.closed() as gate:
        with redis.held() as row:  # whoever looks sees that the lock is free, and nobody has taken it yet
            calls = [one.start("POST", "/reports") for one in (visitor, other.visitor) for _ in range(EACH)]
            row.knocked(len(calls))
        assert gate.knocked(), "Nobody came to the ledger."
        # All the others have to be answered before the report ends: the lock is free again after that.
        world.patience.until(lambda: sum(call.arrived for call in calls) >= len(calls) - 1, idle=0.15)
        makers = gate.waiting
    assert makers == 1, f"Of {len(calls)} requests at the same moment, {makers} made a report."
    refused = sum(call.reply().status == 409 for call in calls)
    assert refused == len(calls) - 1, f"One of {len(calls)} made the report, and {refused} were answered 409."


@behaviour(points=2, hint="Which lines run when the ledger fails, and which only behind the answer?")
def test_lock_is_free_when_the_answer_comes(visitor: Visitor, world: World, ledger: Partner, redis: Redis) -> None:
    """When 201 or 502 is answered, the lock is free: the next report is made."""
    ledger.drop(times=1)
    ledger.answer(503, times=1)  # this one comes first
    for trouble in ("answered 503", "hung up"):
        failed = visitor.post("/reports")
        assert failed.status != 409, "The report before had failed, and its lock was still there."
        assert failed.status == 502, f"The ledger {trouble}; the visitor was to be told 502: {_told(failed)}"
    with ledger.closed(at="answer") as gate:
        after = visitor.start("POST", "/reports")
        if gate.knocked() and redis.keys():
            with redis.held() as row:  # nobody can free a lock now
                gate.open()
                row.knocked()
                world.patience.until(lambda: after.arrived, idle=0.05)
                assert not after.arrived, "The report was answered, and its lock was not free yet."
    assert is_made(after.reply()), f"The report before had failed, no other was being made: {_told(after.reply())}"


@behaviour(
    points=1,
    hint="For how long may a report take before somebody else begins: who says so?",
    needs=["test_one_report_at_a_time"],
)
def test_lock_lasts_as_long_as_it_may(visitor: Visitor, ledger: Partner, redis: Redis) -> None:
    """A lock that has not expired yet is respected."""
    with ledger.closed() as gate:
        visitor.start("POST", "/reports")
        assert gate.knocked(), "Nobody asked the ledger for the total."
        redis.age(TTL * 2 / 3)
        refused = visitor.post("/reports")
    assert refused.status == 409, f"After {TTL * 2 // 3} of {TTL} s the lock was gone: {_told(refused)}"


@behaviour(
    points=3,
    hint="Let the owner die right behind any of its steps: who ends the lock then, and since when is that certain?",
    needs=["test_one_report_at_a_time"],
)
def test_killed_owner_does_not_block_for_ever(
    visitor: Visitor, world: World, app: App, ledger: Partner, redis: Redis
) -> None:
    """An owner that is killed as soon as it has the lock blocks nobody for longer than LOCK_TTL_SECONDS."""
    with ledger.closed() as gate, redis.held() as row:
        visitor.start("POST", "/reports")
        assert row.knocked(), "Nobody came to Redis to take a lock."
        row.let_through()
        gate.knocked(patience=0.03)  # nobody comes when there is another step to take: that one is never made
        app.kill()
        world.patience.until(lambda: row.waiting <= 0, idle=1.0)
    app.restart()
    redis.age(TTL * 2 / 3)
    visitor.post("/reports")  # in vain, and it must not prolong what it finds
    redis.age(TTL / 3 + 1)
    after = visitor.post("/reports")
    assert is_made(after), f"{TTL + 1} s after its owner had been killed, the lock was still there: {_told(after)}"


@behaviour(
    points=4,
    hint="Whose lock does it free? How would it know?",
    needs=["test_killed_owner_does_not_block_for_ever"],
)
def test_late_owner_frees_nobody_elses_lock(visitor: Visitor, ledger: Partner, redis: Redis) -> None:
    """A report that has outlived its lock leaves the lock of the next one alone."""
    with ledger.closed(at="answer") as first:
        late = visitor.start("POST", "/reports")
        assert first.knocked(), "Nobody asked the ledger for the total."
        redis.age(TTL + 1)
        with ledger.closed() as second:
            visitor.start("POST", "/reports")
            assert second.knocked(), f"{TTL + 1} s after the lock had been taken, nobody else could take it."
            first.open()
            assert late.reply().arrived, "The report that was late was never answered."
            third = visitor.post("/reports")
            _assert_refused(third)


@behaviour(
    points=3,
    hint="It looked, and the lock was its own. Is it still, when it acts?",
    needs=["test_late_owner_frees_nobody_elses_lock"],
)
def test_owner_that_was_in_time_when_it_looked(visitor: Visitor, world: World, ledger: Partner, redis: Redis) -> None:
    """A lock that changes hands at the very moment at which its owner frees it stays with the new owner."""
    with redis.line() as line:
        other = world.instance()
    with ledger.closed(at="answer") as first:
        late = visitor.start("POST", "/reports")
        assert first.knocked(), "Nobody asked the ledger for the total."
        with ledger.closed() as second:
            with (
                redis.held() as row
            ):  # the row: the lock expires, the other takes it, it is freed, a third one wants it
                redis.age(TTL + 1)
                successor = other.visitor.start("POST", "/reports")
                row.knocked()
                first.open()
                row.knocked(2)
                third = visitor.start("POST", "/reports")
                row.knocked(3)
            assert late.reply().arrived, "The report that was late was never answered."
            if (
                second.knocked() and not successor.arrived
            ):  # else it has looked too early, and holds nothing to be freed
                _assert_refused(third.reply())
                _assert_refused(visitor.post("/reports"))
    other.app.settle()
    _assert_not_freed_by_one_who_has_looked(visitor, other.visitor, line, ledger, redis)


def _assert_not_freed_by_one_who_has_looked(
    visitor: Visitor, owner: Visitor, line: Line, ledger: Partner, redis: Redis
) -> None:
    """The owner's first step is done; before it knows, the lock expires and somebody else takes it."""
    with ledger.closed(at="answer") as first:
        late = owner.start("POST", "/reports")
        assert first.knocked(), "Nobody asked the ledger for the total."
        with ledger.closed() as second:
            with line.kept() as answer:
                first.open()
                answer.knocked()
                redis.age(TTL + 1)
                visitor.start("POST", "/reports")
                assert second.knocked(), f"{TTL + 1} s after the lock had been taken, nobody else could take it."
            assert late.reply().arrived, "The report that was late was never answered."
            _assert_refused(visitor.post("/reports"))


def _assert_refused(third: Reply) -> None:
    assert third.arrived, "A third report was asked for and not answered: it was begun while another one was made."
    assert third.status == 409, f"The late one has freed the lock of its successor: the third got {_told(third)}"


def _told(reply: Reply) -> str:
    return f"{reply.shown()}."
