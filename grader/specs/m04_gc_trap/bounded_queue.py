"""So many labels at once, so many waiting, and no one more."""

import re

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Printer, Reply, Visitor, World

TRY = (
    'POST /labels {"label": "A-1"}',
    'POST /labels {"label": "A-2"}',
    'POST /labels {"label": "A-3"}',
)
AT_ONCE = 2
BACKLOG = 1
BURST = ("B-1", "B-2", "B-3", "B-4")
SETTINGS = {"WORKERS": str(AT_ONCE), "BACKLOG": str(BACKLOG)}


def post(visitor: Visitor, label: str) -> Reply:
    """Bring one label."""
    return visitor.post("/labels", {"label": label})


def fill(visitor: Visitor, printer: Printer, waiting: int = BACKLOG) -> list[str]:
    """Have WORKERS labels accepted, and so many more; the printer is held and asked for the first ones."""
    labels = [f"A-{number}" for number in range(1, AT_ONCE + waiting + 1)]
    for place, label in enumerate(labels, start=1):
        reply = post(visitor, label)
        assert reply.status == 202, f"Label {place} of {len(labels)}, all with room, was answered with {reply.status}."
        printer.expect_asked(min(place, AT_ONCE))
    return labels


@behaviour(points=1, hint="Who prints the label: the request, or somebody else, later?")
def test_a_label_is_accepted_at_once(visitor: Visitor, printer: Printer) -> None:
    """A label is accepted with 202 before it is printed."""
    with printer.held():
        reply = post(visitor, "A-1")
        assert reply.arrived, "Your app answered nobody as long as the printer was busy."
        assert reply.status == 202, f"The label was answered with {reply.status}."


@behaviour(
    points=2,
    hint="Count the jobs that may talk to the printer at the same time. What does the next one wait for?",
    needs=["test_a_label_is_accepted_at_once"],
)
def test_as_many_at_once_as_workers(visitor: Visitor, printer: Printer, app: App) -> None:
    """WORKERS labels (here 2) are in the printer at once: no more, and no fewer when there are enough."""
    with printer.held():
        labels = fill(visitor, printer)
        app.settle(0.03)  # one too many would have come by now
    printer.expect_printed(len(labels))
    assert printer.at_once == AT_ONCE, f"{printer.at_once} labels were in the printer at once."


@behaviour(
    points=2,
    hint="What is full? Something must have an end, and whoever stands before it must be told, not kept waiting.",
    needs=["test_as_many_at_once_as_workers"],
)
def test_a_full_backlog_refuses(visitor: Visitor, printer: Printer) -> None:
    """When WORKERS labels (2) are in the printer and BACKLOG (1) waits, the next is refused at once with 503."""
    with printer.held():
        fill(visitor, printer)
        refusal = post(visitor, "B-1")
        assert refusal.arrived, "The fourth label was neither accepted nor refused: its visitor still waits."
        assert refusal.status == 503, f"The fourth label was answered with {refusal.status}."


@behaviour(
    points=1,
    hint="Between the look whether there is room and the taking of it: who else may look?",
    needs=["test_a_full_backlog_refuses"],
)
def test_a_burst_finds_no_more_room(visitor: Visitor, printer: Printer, app: App, world: World) -> None:
    """Of labels that come in the same instant, BACKLOG (1) at most may wait: the others are refused as well."""
    with printer.held():
        fill(visitor, printer, waiting=0)
        with app.held():  # so that they lie side by side when it looks again
            calls = [visitor.start("POST", "/labels", {"label": label}) for label in BURST]
            app.settle(0.02)
        world.patience.until(lambda: all(call.arrived for call in calls), idle=0.15)
        replies = [call.reply() for call in calls]
    unanswered = sum(not reply.arrived for reply in replies)
    assert not unanswered, f"Four labels came at once, with room for one: {unanswered} of their visitors still wait."
    statuses = [reply.status for reply in replies]
    assert set(statuses) <= {202, 503}, f"Four labels came at once, and were answered with {statuses}."
    accepted = statuses.count(202)
    assert accepted <= BACKLOG, f"Two labels were in the printer, four came at once, and {accepted} were accepted."


@behaviour(
    points=1,
    hint="A visitor who is sent away wants to know when to come back: a standard header says it.",
    needs=["test_a_full_backlog_refuses"],
)
def test_the_refusal_says_when_to_retry(visitor: Visitor, printer: Printer) -> None:
    """The refusal says, in Retry-After, after how many seconds to come again."""
    with printer.held():
        fill(visitor, printer)
        seconds = post(visitor, "B-1").headers.get("retry-after")
    assert seconds is not None, "The refusal had no Retry-After header."
    assert re.fullmatch("0*[1-9][0-9]*", seconds), f"Retry-After was {seconds!r}, not a whole number of seconds."


@behaviour(
    points=1,
    hint="Something counts up when a label is accepted. What counts down, and when?",
    needs=["test_a_full_backlog_refuses"],
)
def test_a_done_label_makes_room(visitor: Visitor, printer: Printer) -> None:
    """When a label is done, its place is free for another, though the first one is still in the printer."""
    printer.stick("A-1")
    with printer.held():
        labels = fill(visitor, printer)
    printer.take("A-3")
    printer.expect_printed(len(labels) - 1)
    reply = post(visitor, "C-1")
    assert reply.status == 202, f"All but A-1 was printed, and the next label was answered with {reply.status}."
    printer.expect_printed(len(labels))


@behaviour(
    points=1,
    hint="A refusal is a promise too. In which order do you look whether there is room, and take it?",
    needs=["test_a_done_label_makes_room"],
)
def test_what_was_accepted_is_printed(visitor: Visitor, printer: Printer) -> None:
    """Every label that was accepted is printed once, and none that was refused."""
    with printer.held():
        labels = fill(visitor, printer)
        post(visitor, "B-1")
    printer.expect_printed(len(labels))
    post(visitor, "C-1")
    printer.take("C-1")
    asked = ", ".join(printer.asked)
    assert sorted(printer.asked) == [*labels, "C-1"], f"Accepted were {', '.join(labels)}, C-1; printed: {asked}."


@behaviour(
    points=3,
    hint="An exception leaves a loop for good, and a group of tasks as well. How far may one label's travel?",
    needs=["test_a_label_is_accepted_at_once"],
)
def test_a_failing_label_stops_nothing(visitor: Visitor, printer: Printer) -> None:
    """Labels that fail stop no other, and their places are free again."""
    printer.jam("jams")
    for label in ("drops", "drops-too"):
        printer.drop(label)
    for label in ("resets", "resets-too"):
        printer.reset(label)
    for label in ("jams", "drops", "drops-too", "resets", "resets-too"):
        post(visitor, label)
        printer.take(label)
    reply = post(visitor, "A-1")
    assert reply.status == 202, f"Five labels had failed, and the next one was answered with {reply.status}."
    printer.expect_printed(1)
