"""The reference registry: a task of its own for every label, and none is lost."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Printer, Visitor

TRY = ('POST /labels {"label": "A-17"}', "GET /stats")
MANY = 90
"""Fewer than the connections that any system lets wait at a door: one more would be sent away for a second."""


def order(visitor: Visitor, label: str) -> str:
    """Order a label; returns the path where its status can be read."""
    reply = visitor.post("/labels", {"label": label})
    assert reply.arrived, f"The order for {label} was not answered."
    return f"/labels/{reply.field('id', str)}"


def order_and_wait(visitor: Visitor, label: str) -> str:
    """Order a label and wait until it reads "printed"."""
    path = order(visitor, label)
    reply = visitor.until(path, lambda reply: reply.field("status", str) == "printed")
    assert reply.field("status") == "printed", f"The printer is done with {label}, and still its status is not printed."
    return path


@behaviour(points=1, hint="There is a status that says: accepted, not done yet. And who is waiting for the printer?")
def test_order_is_accepted(visitor: Visitor, printer: Printer) -> None:
    """An order is answered with 202 Accepted while the printer is still busy."""
    with printer.held():
        reply = visitor.post("/labels", {"label": "A-17"})
    assert reply.arrived, "Your app gave no answer before the printer had printed."
    assert reply.status == 202, f"The order was answered with {reply.status}."


@behaviour(
    points=3,
    hint="The loop knows every task, but it holds none. Follow the references: who else can reach a job that waits?",
)
def test_collection_loses_no_label(visitor: Visitor, printer: Printer, app: App) -> None:
    """A garbage collection while labels are in work loses none of them."""
    with printer.held():
        paths = [order(visitor, "A-17")]
        printer.take("A-17")
        paths.append(order(visitor, "A-17"))  # a label may be ordered twice, and the first is in work
        paths.append(order(visitor, "B-2"))  # once this is answered, the jobs before it wait for the printer's answer
        app.collect_garbage()
    for path in paths:
        reply = visitor.until(path, lambda reply: reply.field("status", str) == "printed")
        status = reply.field("status")
        assert status == "printed", f"After a collection, with the printer free again, a label is still {status!r}."


@behaviour(
    points=1,
    hint="How many labels may be in work at once? How many tasks can whatever holds them hold?",
    needs=["test_collection_loses_no_label"],
)
def test_collection_loses_none_of_many(visitor: Visitor, printer: Printer, app: App) -> None:
    """However many labels are in work (here 90), a garbage collection loses none of them."""
    with printer.held():
        calls = [visitor.start("POST", "/labels", {"label": f"A-{number}"}) for number in range(MANY)]
        paths = [f"/labels/{call.reply().field('id', str)}" for call in calls]
        app.settle(0.02)  # now the jobs wait for the printer's answer, or for their turn
        app.collect_garbage()
    for path in paths[::10]:
        reply = visitor.until(path, lambda reply: reply.field("status", str) == "printed")
        status = reply.field("status")
        assert status == "printed", f"{MANY} labels were in work, and after a collection one is still {status!r}."


@behaviour(points=2, hint="What is put somewhere has to be taken out again. When, and who knows that it is time?")
def test_finished_tasks_are_let_go(visitor: Visitor, printer: Printer) -> None:
    """Once the labels are printed, or have failed, nothing refers to their tasks any more."""
    printer.jam("C-3")
    order(visitor, "C-3")
    for label in ("A-17", "B-2"):  # one after the other: when the last is printed, the tasks before it are over
        order_and_wait(visitor, label)
    reply = visitor.until("/stats", lambda reply: reply.field("finished_tasks", int) == 0)
    held = reply.field("finished_tasks")
    assert held == 0, f"All the labels are through, and {held} finished tasks are still held in memory."


@behaviour(points=2, hint="A task keeps its exception to itself until somebody asks. Who can ask as soon as it ends?")
def test_failure_reaches_the_status(visitor: Visitor, printer: Printer) -> None:
    """A label that jams, or whose connection breaks, reads "failed" at once."""
    printer.jam("A-17")
    printer.reset("B-2")
    for label, seen in (("A-17", "The printer answered JAM"), ("B-2", "The connection to the printer broke")):
        reply = visitor.until(order(visitor, label), lambda reply: reply.field("status", str) == "failed")
        status = reply.field("status")
        assert status == "failed", f"{seen}, and the label's status is still {status!r}."


@behaviour(points=1, hint="Who reads the log at night needs to know which label it was.")
def test_failure_is_logged(visitor: Visitor, printer: Printer, app: App) -> None:
    """A label that jams is named in the log at once."""
    printer.jam("A-17")
    with printer.held():
        path = order(visitor, "A-17")
        printer.take("A-17")
        before = app.output.count("A-17")
    visitor.until(path, lambda _: app.output.count("A-17") > before)
    assert app.output.count("A-17") > before, (
        "The printer answered JAM, and no line of your app's output names the label."
    )
