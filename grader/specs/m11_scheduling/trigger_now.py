"""A job of the schedule is run at once for the one whose it is: once, and wherever the machine stands."""

from datetime import UTC, datetime

import pytest

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World

PARTNERS = ("ledger",)
SETTINGS = {"SCHEDULE_ZONE": "UTC", "TZ": "UTC"}
TRY = (
    "GET /jobs/statement-ada X-User:ada",
    "POST /jobs/statement-ada/run X-User:ada",
    "POST /jobs/statement-ada/run X-User:bob",
)
ADAS = {"customer": "ada"}
"""What the ledger is asked for when ada's job is run."""
ADA, BOB, DA = {"X-User": "ada"}, {"X-User": "bob"}, {"X-User": "da"}
JOB = "/jobs/statement-ada"
RUN = f"{JOB}/run"
CLICKS = 3
TONIGHT = 15
"""The day of January that begins with the nightly run."""
LEADS = (0.3, 1.0, 4.0, 16.0)
"""Seconds before the nightly run at which the service is started: the least that its start leaves room for."""


@pytest.fixture(autouse=True)
def ledger(world: World) -> Partner:
    """Who makes the statements; a run is under way for as long as it keeps somebody waiting."""
    return world.partner("ledger")


@behaviour(points=2, hint="Which status says that something will be done? Who waits for the ledger?")
def test_job_is_run_at_once(visitor: Visitor, ledger: Partner) -> None:
    """A job that is triggered is answered 202, and run, and the answer does not wait for the run."""
    with ledger.closed() as gate:
        reply = visitor.post(RUN, headers=ADA)
        assert reply.arrived, "Your app did not answer before the run was over."
        assert reply.status == 202, f"The job was triggered, and that was answered with {reply.shown()}."
        assert reply.field("id", str) == "statement-ada", f"The job is statement-ada; the answer was {reply.shown()}."
        assert gate.knocked(), "The job was triggered, and the ledger was not asked for a statement."
    made = ledger.calls[0]
    assert (made.method, made.path) == ("POST", "/statements"), f"The ledger was asked {made.method} {made.path}."
    assert made.field("customer", str) == "ada", f"The job is ada's. The statement is for {made.json}."


@behaviour(
    points=2,
    hint="Who may know that there is such a job?",
)
def test_somebody_elses_job_does_not_exist(visitor: Visitor, ledger: Partner) -> None:
    """For others, ada's job is answered exactly like one that does not exist: 404, also while it is being run."""
    with ledger.closed():
        visitor.post(RUN, headers=ADA)
        for method, suffix in (("POST", "/run"), ("GET", "")):
            unknown = visitor.start(method, f"/jobs/statement-zoe{suffix}", headers=BOB).reply()
            assert unknown.status == 404, f"There is no statement-zoe: that is a 404. It came: {unknown.shown()}."
            for who in (BOB, DA):
                foreign = visitor.start(method, f"{JOB}{suffix}", headers=who).reply()
                seen = f"{who['X-User']} asked for ada's job, which was being run"
                assert foreign.status == 404, f"The user {seen}: {foreign.shown()}."
                assert foreign.json == unknown.json, f"The user {seen}: {foreign.text}; of none it is {unknown.text}."


@behaviour(
    points=3,
    hint="Six in the evening: in Tokyo, where the machine stands, or in New York, where the schedule is? Who can tell?",
    settings={"SCHEDULE_ZONE": "America/New_York"},
)
def test_machine_may_be_in_another_zone(world: World, ledger: Partner) -> None:
    """A machine in Tokyo runs the job at once, though the schedule is New York's."""
    world.clock.set("2027-01-15T18:00", "Asia/Tokyo")
    assert world.app.alive, "Your app ended at once."
    reply = world.visitor.post(RUN, headers=ADA)
    assert _accepted(reply), f"The job was triggered, and that was answered with {reply.shown()}."
    run = world.patience.until(lambda: ledger.calls, idle=0.15)
    due = "" if run else f"{_next_run(world.visitor):%d %B, %H:%M}"
    assert run, f"The job was to be run now, 15 January, 09:00 UTC. It was not; it is due on {due} UTC."


@behaviour(
    points=2,
    hint="The run goes on, and somebody asks for another. What does the scheduler make of that, and what is answered?",
)
def test_job_that_is_being_run_is_not_run_again(visitor: Visitor, app: App, ledger: Partner) -> None:
    """While a run is under way, the job is not triggered again: 409. Afterwards it is."""
    with ledger.closed() as gate:
        visitor.post(RUN, headers=ADA)
        assert gate.knocked(), "The job was triggered, and the ledger was not asked for a statement."
        _assert_refused(visitor.post(RUN, headers=ADA))
        other = visitor.post("/jobs/statement-bob/run", headers=BOB)
        assert _accepted(other), f"Ada's job was being run; bob's was triggered, and answered {other.shown()}."
        assert gate.knocked(times=2), "Ada's job was being run. Bob's was triggered, and did not begin."
    # The ledger has answered, and the run ends a moment later: whoever asks too early is refused once more.
    again = _ask_until_accepted(visitor, app)
    assert _accepted(again), f"The run was over; the job was triggered again, and answered {again.shown()}."


@behaviour(
    points=3,
    hint="Between the answer and the beginning of the run there is a moment. Who else may come in it?",
    needs=["test_job_that_is_being_run_is_not_run_again"],
)
def test_several_clicks_are_one_run(visitor: Visitor, app: App, world: World, ledger: Partner) -> None:
    """Of three requests at the same moment one is answered 202, and the others 409."""
    with ledger.closed() as gate:
        with app.held():  # so that they lie side by side when it looks again
            calls = [visitor.start("POST", RUN, headers=ADA) for _ in range(CLICKS)]
            app.settle(0.02)
        world.patience.until(lambda: all(call.arrived for call in calls), idle=0.15)
        assert gate.knocked(), "The job was triggered, and the ledger was not asked for a statement."
        statuses = [call.reply().status for call in calls]
        accepted = sum(_accepted(call.reply()) for call in calls)
        assert accepted == 1, f"Three asked at once for a run, one was to get it: they were answered {statuses}."
        assert statuses.count(409) == CLICKS - 1, f"One got the run, the others were to get 409: {statuses}."


@behaviour(
    points=2,
    hint="Who knows of the runs that nobody has asked for?",
    needs=["test_job_that_is_being_run_is_not_run_again"],
)
def test_nightly_run_counts(world: World, ledger: Partner) -> None:
    """While the nightly run is under way, the job is not triggered: 409."""
    with ledger.closed():
        earlier, lead = _start_just_before_three(world, ledger)
        begun = world.patience.until(lambda: ADAS in [call.json for call in ledger.calls[earlier:]], idle=lead + 0.15)
        assert begun, "It was 3:00, and the ledger was not asked for ada's statement."
        _assert_refused(world.visitor.post(RUN, headers=ADA))


@behaviour(
    points=1,
    hint="The ledger fails. Who says that the run is over?",
    needs=["test_job_that_is_being_run_is_not_run_again"],
)
def test_failed_run_is_over(visitor: Visitor, app: App, ledger: Partner) -> None:
    """After a run that failed the job can be triggered again."""
    ledger.answer(500, times=1)  # what was said last comes first
    ledger.drop(times=1)
    visitor.post(RUN, headers=ADA)
    for number, failed in enumerate(("hung up", "answered 500"), 2):
        ledger.next()
        again = _ask_until_accepted(visitor, app)
        assert _accepted(again), f"The ledger {failed}, the run was over. The next one was answered {again.shown()}."
        ledger.expect(number)


@behaviour(
    points=2,
    hint="A job has one time at which it is due. What is it when the run has begun, and who works it out?",
    settings={"SCHEDULE_ZONE": "Europe/Berlin"},
)
def test_nightly_run_stays(world: World, ledger: Partner) -> None:
    """When a job has been triggered at noon, its nightly run is still due at 03:00."""
    world.clock.set("2027-03-27T12:00", "Europe/Berlin")
    assert world.app.alive, "Your app ended at once."
    visitor = world.visitor
    visitor.post(RUN, headers=ADA)
    ledger.next()
    due = datetime.fromisoformat("2027-03-28T03:00:00+02:00")
    visitor.until(JOB, lambda reply: _due(reply) == due, headers=ADA)
    told = _next_run(visitor)
    assert told == due, f"The next run is due at 03:00 in Berlin, 01:00 UTC; the job is due at {told:%H:%M} UTC."


def _accepted(reply: Reply) -> bool:
    """Whether a run was granted; which status exactly says so is one behaviour's business."""
    return reply.succeeded


def _assert_refused(reply: Reply) -> None:
    assert reply.status == 409, f"The job was being run. It was triggered once more, and answered {reply.shown()}."


def _ask_until_accepted(visitor: Visitor, app: App) -> Reply:
    """Trigger the job again; the ledger has answered, but the run may end a moment later than that."""
    for _ in range(10):
        reply = visitor.post(RUN, headers=ADA)
        if reply.status != 409:
            break
        app.settle(0.01)
    return reply


def _start_just_before_three(world: World, ledger: Partner) -> tuple[int, float]:
    """Start the service shortly before its nightly run: how often the ledger had been called, and how many seconds.

    A start that takes its time ends when the night is over: then once more, earlier.
    """
    world.clock.set(f"2027-01-15T02:59:{60 - LEADS[0]}")
    app, earlier, lead = world.app, 0, LEADS[0]
    for longer in LEADS[1:]:
        if _next_run(world.visitor).day == TONIGHT:
            break
        app.kill()
        earlier, lead = len(ledger.calls), longer
        world.clock.set(f"2027-01-15T02:59:{60 - lead}")
        app.restart()
    return earlier, lead


def _next_run(visitor: Visitor) -> datetime:
    """When ada's job is due, in UTC."""
    return _due(visitor.get(JOB, headers=ADA))


def _due(reply: Reply) -> datetime:
    """When a job is due, in UTC. Raises Unmet when the reply tells no time with an offset."""
    told = reply.field("next_run", str)
    try:
        due = datetime.fromisoformat(told)
    except ValueError:
        raise Unmet(f"next_run is no time in ISO 8601: {reply.shown()}.") from None
    if due.tzinfo is None:
        raise Unmet(f"next_run has no offset: {reply.shown()}.")
    return due.astimezone(UTC)
