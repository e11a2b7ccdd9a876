"""A job that is killed, stopped or stuck in the middle: what is lost, what is done twice, and who notices when."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Gate, Payments, Printer, Reply, Visitor, World
from grader.world.redis import Redis

WORKERS = (("arq",),)
TIMEOUT, MARGIN = 15, 15
SETTINGS = {"JOB_TIMEOUT_SECONDS": str(TIMEOUT)}
TRY = ('POST /orders {"amount": 1200}', "GET /orders/the-id")
AMOUNT = 1200

SHORT = {"JOB_TIMEOUT_SECONDS": "0.05"}
"""The one wait that the mechanism itself needs, in two behaviours: a timeout has to pass."""
PATIENCE = 0.5
"""Seconds of idleness. Two processes, a queue that is polled, and a timeout lie between the cause and the effect."""
TRIES = 5


@behaviour(points=1, hint="Accepted is not done: which status says so, and where does one ask again?")
def test_order_is_shipped(visitor: Visitor, worker: App, printer: Printer, payments: Payments) -> None:
    """An order is answered with 202; a worker prints its label and charges it, and then it is done."""
    del worker  # it only has to run
    reply = visitor.post("/orders", {"amount": AMOUNT})
    assert reply.status == 202, f"The order was answered with {reply.shown()}."
    order = reply.field("id", str)
    state = _state_in_the_end(visitor, order)
    assert state.field("state", str) == "done", f"The order was to be done in the end: {state.shown()}."
    assert printer.printed == [order], f"Of the one label {order}, these were printed: {printer.printed}."
    _assert_charged_once(payments, order)


@behaviour(
    points=3,
    hint="The dead cannot give back what they had taken. When may everybody else be sure that they are dead?",
    needs=["test_order_is_shipped"],
)
def test_killed_worker_delays_its_job_by_no_more_than_is_said(
    visitor: Visitor, worker: App, redis: Redis, printer: Printer, payments: Payments
) -> None:
    """An order whose worker is killed is shipped by the next one, when the timeout and 15 s have passed."""
    with printer.held() as gate:
        order = _place(visitor)
        assert gate.knocked(PATIENCE), "The label was never sent to the printer."
        worker.kill()
    redis.age(TIMEOUT + MARGIN)
    worker.restart()
    state = _state_in_the_end(visitor, order)
    since = f"{TIMEOUT + MARGIN} s after its worker had been killed, and with a new one at work"
    assert state.field("state", str) == "done", f"{since}, the order was to be done: {state.shown()}."
    assert payments.charged(order), f"{since}, the order was called done, and nobody had charged it."
    _assert_charged_once(payments, order)


@behaviour(
    points=3,
    hint="The second run cannot know what became of the first. Who can, and how would they know that it is the same?",
    needs=["test_killed_worker_delays_its_job_by_no_more_than_is_said"],
)
def test_killed_after_the_charge(visitor: Visitor, worker: App, redis: Redis, payments: Payments) -> None:
    """A worker that is killed when the charge is made, and not yet answered, does not make it twice."""
    with payments.closed(at="answer") as gate:
        order = _place(visitor)
        assert gate.knocked(PATIENCE), "The payment provider was never asked for the charge."
        worker.kill()
    redis.age(TIMEOUT + MARGIN)
    worker.restart()
    state = _state_in_the_end(visitor, order)
    assert state.field("state", str) == "done", f"A new worker was to finish the order: {state.shown()}."
    _assert_charged_once(payments, order)


@behaviour(
    points=3,
    hint="A worker that is asked to go still has time for a word. What becomes of the job that it was doing?",
    needs=["test_order_is_shipped"],
)
def test_stopped_worker_hands_its_job_on(visitor: Visitor, world: World, worker: App, payments: Payments) -> None:
    """A worker that is told to stop ends soon, and the next one ships its order at once."""
    with payments.closed() as gate:
        order = _place(visitor)
        assert gate.knocked(PATIENCE), "The payment provider was never asked for the charge."
        worker.terminate()
        assert worker.exited(1.0) is not None, "The worker was told to stop, and was still there a second later."
        payments.drop(times=1)  # whose caller is gone: else the provider would charge for it when the gate opens
    world.patience.until(lambda: not gate.waiting, idle=PATIENCE)
    worker.restart()
    state = _state_in_the_end(visitor, order)
    told = "The worker had been told to stop, and the next one was at work"
    assert state.field("state", str) == "done", f"{told}; the order was to be done: {state.shown()}."
    assert payments.charged(order), f"{told}; the order was called done, and nobody had charged it."
    _assert_charged_once(payments, order)


@behaviour(
    points=2,
    hint="Whose patience ends first, and what does it do with the job?",
    needs=["test_order_is_shipped"],
    settings=SHORT,
)
def test_stuck_payment_ends_in_time(visitor: Visitor, worker: App, printer: Printer, payments: Payments) -> None:
    """A charge that is not answered within JOB_TIMEOUT_SECONDS makes the order fail, and is not tried again."""
    del worker
    with payments.closed() as gate:
        order, state = _stuck(visitor, gate)
        calls = sum(call.field("order") == order for call in payments.calls)
    labels = printer.asked.count(order)  # a second run may end before it comes to the charge
    seen = f"its label was sent to the printer {labels} times, and its charge tried {calls} times"
    assert max(labels, calls) <= 1, f"The job was to be given up at its timeout; {seen}."
    assert state.field("state", str) == "failed", f"The provider kept the job waiting for too long: {state.shown()}."


@behaviour(
    points=3,
    hint="Who else does nothing while the driver waits for the printer?",
    needs=["test_order_is_shipped"],
)
def test_stuck_printer_delays_no_other_order(visitor: Visitor, worker: App, printer: Printer) -> None:
    """While one label waits for the printer, the worker takes up other orders."""
    del worker
    with printer.held() as gate:
        _place(visitor)
        assert gate.knocked(PATIENCE), "The label was never sent to the printer."
        _place(visitor)
        assert gate.knocked(PATIENCE, times=2), "While one label waited for the printer, the worker did nothing else."


@behaviour(
    points=3,
    hint="A timeout ends the waiting. Does whoever waits here get to know of it?",
    needs=["test_order_is_shipped"],
    settings=SHORT,
)
def test_stuck_printer_ends_in_time(visitor: Visitor, worker: App, printer: Printer, payments: Payments) -> None:
    """A label that is not printed within JOB_TIMEOUT_SECONDS makes the order fail, and nothing more is done for it."""
    with printer.held() as gate:
        order, state = _stuck(visitor, gate)
        asked = printer.asked.count(order)
    assert asked <= 1, f"The job was to be given up at its timeout; the label was sent to the printer {asked} times."
    assert state.field("state", str) == "failed", f"The printer kept the job waiting for too long: {state.shown()}."
    worker.settle(0.02)  # whoever had waited for the label all the same would have gone on by now
    assert not payments.calls, "The order had failed; its label came out after all, and then it was to be charged."


def _place(visitor: Visitor) -> str:
    order: str = visitor.post("/orders", {"amount": AMOUNT}).field("id", str)
    return order


def _stuck(visitor: Visitor, gate: Gate) -> tuple[str, Reply]:
    """An order that came as far as the gate, and what became of it."""
    for _ in range(TRIES):
        order = _place(visitor)
        state = _state_in_the_end(visitor, order)
        if gate.waiting:  # else the machine is so busy that its short time was over before: that shows nothing
            break
    return order, state


def _state_in_the_end(visitor: Visitor, order: str) -> Reply:
    return visitor.until(f"/orders/{order}", _ended, PATIENCE)


def _ended(reply: Reply) -> bool:
    return reply.status == 200 and reply.field("state", str) in {"done", "failed"}


def _assert_charged_once(payments: Payments, order: str) -> None:
    times = payments.charged(order)
    assert times == 1, f"The order was to be charged once, and was charged {times} times."
    charge = next(charge for charge in payments.charges if charge.order == order)
    assert charge.amount == AMOUNT, f"The order came to {AMOUNT}; charged was {charge.amount}."
