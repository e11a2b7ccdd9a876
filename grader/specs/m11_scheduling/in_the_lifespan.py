"""A schedule that begins and ends with the service, and outlives it.

No behaviour takes the fixtures app and visitor: those start the service ahead, before it is known what the supplier
says and what time it is.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.world import Partner, Reply, World

PARTNERS = ("supplier", "till")
SETTINGS = {"COPY_SECONDS": "3600"}
TRY = ("GET /schedule",)
PRICES = {"coffee": 320}
NEAR = timedelta(minutes=1)
"""How far two times may lie apart that are the same: the clock goes on while processes start."""
UVICORN_SECONDS = 0.25
"""What passes, at most, between the signal and the lifespan's shutdown: uvicorn looks every 0.1 s and waits 0.1 s."""
DUE = 0.3
"""Patience, in seconds, with a copy that is due after a tenth of a second: that long the service may well sleep."""
LATER = 2.0
"""Patience, in seconds, with a process that is to end: as long may somebody pause before the next try."""


@pytest.fixture(autouse=True)
def supplier(world: World) -> Partner:
    """Who knows the prices; a copy is under way for as long as it keeps somebody waiting."""
    partner = world.partner("supplier")
    partner.answer(200, PRICES)
    return partner


@pytest.fixture(autouse=True)
def till(world: World) -> Partner:
    """Who is to hear of them: a copy is done when it has."""
    return world.partner("till")


@behaviour(points=2, hint="Who calls copy_prices, and who awaits what that returns? Is anybody's event loop running?")
def test_first_copy_comes_by_itself(world: World, supplier: Partner, till: Partner) -> None:
    """The first copy is made as soon as the service starts, without anybody asking for it."""
    assert world.app.alive, "Your app ended at once."
    asked = supplier.next()
    assert (asked.method, asked.path) == ("GET", "/prices"), f"The supplier was asked {asked.method} {asked.path}."
    told = till.next()
    assert told.json == PRICES, f"The supplier's prices are {PRICES}, the till was told {told.json}."


@behaviour(
    points=1,
    hint="The supplier takes its time. Who waits for it: the job, or the start of the service?",
    needs=["test_first_copy_comes_by_itself"],
)
def test_service_answers_while_a_copy_is_under_way(world: World, supplier: Partner) -> None:
    """The service is up and answers while the supplier keeps the first copy waiting."""
    with supplier.closed() as gate:
        world.launch()
        assert gate.knocked(patience=1.0), "Nobody asked the supplier for its prices."
        reply = world.visitor.get("/schedule")
        assert reply.arrived, "Your app answered nobody as long as the supplier kept the first copy waiting."


@behaviour(
    points=1,
    hint="When is the second copy? And who hears of the one that failed?",
    needs=["test_first_copy_comes_by_itself"],
    settings={"COPY_SECONDS": "0.1"},
)
def test_copies_go_on_after_one_that_failed(world: World, supplier: Partner, till: Partner) -> None:
    """Copies are made every COPY_SECONDS (here 0.1 s), also after one that failed."""
    supplier.drop(times=1)
    assert world.app.alive, "Your app ended at once."
    supplier.expect(2, patience=DUE)
    till.expect(1)


@behaviour(
    points=1,
    hint="Something tries again. Is that your app's to decide, when the next copy is an hour away?",
    needs=["test_copies_go_on_after_one_that_failed"],
)
def test_a_copy_that_failed_is_not_repeated(world: World, supplier: Partner) -> None:
    """A copy that failed is not repeated: the next one is made when it is due."""
    supplier.answer(503)
    app = world.app
    supplier.next()
    app.settle()  # a second try would follow on the heels of the first
    app.terminate()  # or after a pause; but whoever finishes the copy before the process ends has no try left then
    app.patience.until(lambda: not app.alive or len(supplier.calls) > 1, idle=LATER)
    asked = len(supplier.calls)
    assert asked == 1, f"The supplier answered 503 and was asked {asked} times; the next copy is due in an hour."


@behaviour(
    points=4,
    hint="A service that is deployed every half hour: how many jobs has it in the evening, and does any ever run?",
    needs=["test_service_answers_while_a_copy_is_under_way"],
)
def test_a_start_leaves_the_schedule_as_it_is(world: World, supplier: Partner) -> None:
    """Killed in its copy of nine, and started at half past, the service has the one job of before, due at ten."""
    with supplier.closed():
        _start_at_nine(world, supplier, next_due="2027-03-01T10:00")
    world.clock.set("2027-03-01T09:30")
    world.app.restart()
    reply = world.visitor.get("/schedule")
    ids = [str(job.get("id")) for job in _jobs(reply)]
    assert ids == ["copy-prices"], f"After the second start there are {len(ids)} jobs: {', '.join(ids)}."
    moved = f"The copy was due at 10:00. Since the second start, at 9:30, the schedule says {reply.shown()}."
    assert _is_due(reply, "2027-03-01T10:00"), moved
    world.app.settle()  # a copy at the start would follow on its heels
    assert len(supplier.calls) == 1, "The copy is due at 10:00, and the supplier was asked again at 9:30."


@behaviour(
    points=3,
    hint="The scheduler wakes, and sees that it should have run yesterday and today. What does it do by default?",
    needs=["test_a_start_leaves_the_schedule_as_it_is"],
    settings={"COPY_SECONDS": str(24 * 3600)},
)
def test_what_was_missed_is_made_up_for_once(world: World, supplier: Partner, till: Partner) -> None:
    """Down for two days and a half, a service with a daily copy starts with one: not with two, and not with none."""
    _start_at_nine(world, till, next_due="2027-03-02T09:00")
    world.clock.set("2027-03-03T21:00")
    world.app.restart()
    made = world.patience.until(lambda: len(till.calls) > 1, idle=0.15)
    assert made, "Copies were due on 2 and on 3 March at 9:00; on 3 March at 21:00 the service started, and made none."
    world.app.settle()  # the next one would follow on the heels of the first
    extra = len(supplier.calls) - 1
    assert extra == 1, f"Copies were due on 2 and on 3 March; started again in the evening, the service made {extra}."


@behaviour(
    points=4,
    hint="Somebody has to wait for the copy before the scheduler is shut down. Does the scheduler itself?",
    needs=["test_service_answers_while_a_copy_is_under_way"],
)
def test_a_copy_under_way_is_finished(world: World, supplier: Partner, till: Partner) -> None:
    """After SIGTERM a copy that is under way still reaches the till."""
    with supplier.closed() as gate:
        app = world.app
        assert gate.knocked(), "Nobody asked the supplier for its prices."
        app.terminate()
        # Not before this has passed has the service itself heard of the signal.
        assert app.exited(UVICORN_SECONDS) is None, "Your app was gone while a copy was waiting for the supplier."
    assert till.next().json == PRICES, f"The supplier's prices are {PRICES}, the till was told {till.calls[0].json}."


@behaviour(
    points=1,
    hint="What does your app wait for, and is that over when the copy is?",
    needs=["test_a_copy_under_way_is_finished"],
)
def test_the_process_ends_with_the_copy(world: World, supplier: Partner, till: Partner) -> None:
    """After SIGTERM the process ends when the copy that was under way is done."""
    with supplier.closed() as gate:
        app = world.app
        assert gate.knocked(), "Nobody asked the supplier for its prices."
        app.terminate()
    till.next()
    assert app.exited(UVICORN_SECONDS + DUE) is not None, "The copy was done, and your app went on running."


def _start_at_nine(world: World, reached: Partner, next_due: str) -> None:
    """Start the service on 1 March at nine; when its first copy has come so far, with the next one due, kill it."""
    world.clock.set("2027-03-01T09:00")
    app = world.app
    reached.next()
    reply = world.visitor.until("/schedule", lambda reply: _is_due(reply, next_due))
    wrong = f"The first copy was due on 1 March at 9:00, so the next is due {next_due}. The schedule: {reply.shown()}."
    assert _is_due(reply, next_due), wrong
    app.kill()


def _is_due(reply: Reply, when: str) -> bool:
    due = _next_run(reply)
    return due is not None and abs(due - datetime.fromisoformat(f"{when}+00:00")) < NEAR


def _jobs(reply: Reply) -> list[dict[str, Any]]:
    """What GET /schedule tells; Unmet when that is no list of objects."""
    jobs: list[dict[str, Any]] = reply.field("jobs", list)
    if not all(isinstance(job, dict) for job in jobs):
        raise Unmet(f"GET /schedule tells of jobs that are no objects: {reply.shown()}.")
    return jobs


def _next_run(reply: Reply) -> datetime | None:
    """When the first job is due, in UTC; None when it is not, or there is none.

    Raises Unmet when it is no time with an offset.
    """
    jobs = _jobs(reply)
    told = jobs[0].get("next_run") if jobs else None
    if told is None:
        return None
    try:
        due = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        raise Unmet(f"next_run is no time in ISO 8601: {reply.shown()}.") from None
    if due.tzinfo is None:
        raise Unmet(f"next_run has no offset: {reply.shown()}.")
    return due.astimezone(UTC)
