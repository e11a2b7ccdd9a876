"""A deploy finishes what was accepted, within a grace."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Printer, Visitor, World

TRY = (
    'POST /labels {"label": "A-1"}',
    'POST /labels {"label": "A-2"}',
)
SETTINGS = {"GRACE_SECONDS": "30"}

UVICORN_SECONDS = 0.25
"""What passes, at most, between the signal and the lifespan's shutdown: uvicorn looks every 0.1 s and waits 0.1 s."""


def have_in_the_printer(visitor: Visitor, printer: Printer, *labels: str) -> None:
    """Have labels accepted and wait until the printer, which is held, has been asked for each."""
    for label in labels:
        visitor.start("POST", "/labels", {"label": label})
    printer.expect_asked(len(labels))


@behaviour(points=1, hint="Who prints the label: the request, or a job that the request starts?")
def test_a_label_is_accepted_at_once(visitor: Visitor, printer: Printer) -> None:
    """A label is accepted with 202 before it is printed."""
    with printer.held():
        reply = visitor.post("/labels", {"label": "A-1"})
        assert reply.arrived, "Your app answered nobody as long as the printer was busy."
        assert reply.status == 202, f"The label was answered with {reply.status}."


@behaviour(
    points=2,
    hint="SIGTERM ends in the lifespan, after its yield. What happens to your jobs when that part has nothing in it?",
    needs=["test_a_label_is_accepted_at_once"],
)
def test_jobs_under_way_are_finished(visitor: Visitor, printer: Printer, app: App) -> None:
    """After SIGTERM the jobs under way still have their labels printed."""
    with printer.held() as gate:
        have_in_the_printer(visitor, printer, "A-1", "A-2", "A-3")
        app.terminate()
        ended = app.exited(patience=UVICORN_SECONDS)
        assert ended is None, "Your app was gone while three labels were in the printer and 30 s of grace left."
        gate.open()
        printed = printer.expect_printed(3)
    assert sorted(printed) == ["A-1", "A-2", "A-3"], f"Printed were {', '.join(printed)}."


@behaviour(
    points=1,
    hint="You wait for many jobs, and one of them raises. What becomes of the waiting?",
    needs=["test_jobs_under_way_are_finished"],
)
def test_a_failing_job_takes_no_other_with_it(visitor: Visitor, printer: Printer, app: App) -> None:
    """A job that fails during the grace takes no other with it."""
    with printer.held() as gate:
        have_in_the_printer(visitor, printer, "A-1", "A-2", "A-3")
        app.terminate()
        app.settle(UVICORN_SECONDS)
        printer.reset("A-1")
        assert app.exited() is None, "The job of A-1 had failed, and your app was gone with two labels in the printer."
        gate.open()
        printed = printer.expect_printed(2)
    assert sorted(printed) == ["A-2", "A-3"], f"A-1 had failed, and printed were {', '.join(printed)}."


@behaviour(
    points=1,
    hint="You wait for the jobs: do you also wait for something else, when they are done?",
    needs=["test_jobs_under_way_are_finished"],
)
def test_the_process_ends_with_the_last_job(visitor: Visitor, printer: Printer, app: App) -> None:
    """The process ends when the last job is done, however much of the grace is left."""
    with printer.held():
        have_in_the_printer(visitor, printer, "A-1")
        app.terminate()
        app.settle(UVICORN_SECONDS)
    printer.expect_printed(1)
    assert app.exited(patience=0.4) is not None, "The last label was printed, and your app went on running."


@behaviour(
    points=1,
    hint="Who hears SIGTERM first, uvicorn or you? As long as nobody tells uvicorn, its door is open.",
    needs=["test_jobs_under_way_are_finished"],
)
def test_no_label_is_accepted_any_more(visitor: Visitor, printer: Printer, app: App) -> None:
    """While the jobs finish, no further label is accepted."""
    with printer.held():
        have_in_the_printer(visitor, printer, "A-1")
        app.terminate()
        app.settle(UVICORN_SECONDS)
        late = visitor.start("POST", "/labels", {"label": "B-1"}).reply(patience=0.1)
    assert late.status in {None, 503}, f"After SIGTERM another label was answered with {late.status}."


@behaviour(
    points=3,
    hint="cancel() is a request. Who waits until it has been granted, and the `finally` has run?",
    needs=["test_a_label_is_accepted_at_once"],
    settings={"GRACE_SECONDS": "0.05"},
)
def test_what_the_grace_does_not_finish_is_cancelled(visitor: Visitor, printer: Printer, app: App) -> None:
    """When the grace is over, the jobs that are left are cancelled, and take their labels out of the printer."""
    with printer.held():
        have_in_the_printer(visitor, printer, "A-1", "A-2")
        app.terminate()
        cancelled = printer.expect_cancelled(2, patience=0.5)
    assert sorted(cancelled) == ["A-1", "A-2"], f"Taken out of the printer were {', '.join(cancelled)}."


@behaviour(
    points=1,
    hint="Ten jobs that are given ten seconds each, one after the other: how long is that together?",
    needs=["test_what_the_grace_does_not_finish_is_cancelled"],
    settings={"GRACE_SECONDS": "0.6"},
)
def test_one_grace_for_all_jobs(visitor: Visitor, printer: Printer, app: App, world: World) -> None:
    """All jobs share one grace (here 0.6 s), and they have all of it."""
    labels = [f"A-{number}" for number in range(1, 11)]
    with printer.held():
        have_in_the_printer(visitor, printer, *labels)
        app.terminate()
        printer.expect_cancelled(1, patience=0.95)
        for count in range(2, len(labels) + 1):
            printer.expect_cancelled(count, patience=0.06)
    at = [seen.at for seen in world.timeline.events if seen.text.startswith("CANCEL")]
    sigterm = next(seen.at for seen in world.timeline.events if seen.text.startswith("SIGTERM"))
    assert at[0] - sigterm > 540, (
        f"The grace is 0.6 s, and the first job was cancelled {at[0] - sigterm:.0f} ms after SIGTERM."
    )
    # A starved machine counts little as idleness, but nine graces of 0.6 s take 5400 ms on any clock.
    assert at[-1] - at[0] < 2000, (
        f"{at[-1] - at[0]:.0f} ms lay between the first job's cancellation and the last one's."
    )


@behaviour(
    points=1,
    hint="A job that is told to stop: does it stop, or does it begin again?",
    needs=["test_what_the_grace_does_not_finish_is_cancelled"],
    settings={"GRACE_SECONDS": "0.05"},
)
def test_nothing_is_left_after_the_grace(visitor: Visitor, printer: Printer, app: App) -> None:
    """When the jobs have been cancelled, the process ends, though the printer has never answered."""
    with printer.held():
        have_in_the_printer(visitor, printer, "A-1", "A-2")
        app.terminate()
        printer.expect_cancelled(2, patience=0.5)
        assert app.exited(patience=0.4) is not None, "The jobs had been cancelled, and your app went on running."
