"""An order's side jobs: one that fails takes no other with it, and does not fail in silence."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mailbox, Partner, Reply, Visitor, World

TRY = ('POST /orders {"email": "ada@example.com", "item": "lamp", "quantity": 2}',)
PARTNERS = ("stock", "warehouse")
JOBS = ("confirmation", "stock", "warehouse")


@pytest.fixture
def stock(world: World) -> Partner:
    """Return the partner who keeps the stock."""
    return world.partner("stock")


@pytest.fixture
def warehouse(world: World) -> Partner:
    """Return the partner who ships."""
    return world.partner("warehouse")


def place(visitor: Visitor, email: str = "ada@example.com") -> Reply:
    """Order two lamps."""
    return visitor.post("/orders", {"email": email, "item": "lamp", "quantity": 2})


def spoil(mailbox: Mailbox, stock: Partner, warehouse: Partner) -> None:
    """From now on each of the three jobs fails in its own way."""
    mailbox.refuse("ada@example.com")
    stock.answer(503)
    warehouse.drop()


def check_call(partner: Partner, path: str, order_id: str) -> None:
    """Check that the partner's next call is about this order."""
    call = partner.next()
    assert (call.method, call.path) == ("POST", path), f"The partner got {call.method} {call.path}, not POST {path}."
    told = (call.field("order", str), call.field("item", str), call.field("quantity", int))
    assert told == (order_id, "lamp", 2), f"The order, item and quantity that the partner was told are {told}."
    more = sorted(set(call.json) - {"order", "item", "quantity"})
    assert not more, f"The partner was told more than it was to be: {', '.join(more)}."


def check_outcomes(visitor: Visitor, state: str) -> str:
    """Place an order and check that its three jobs come to be shown in this state."""
    expected = dict.fromkeys(JOBS, state)
    where = place(visitor).follow()
    shown = visitor.until(where, lambda reply: bool(reply.field("jobs", dict) == expected))
    jobs = shown.field("jobs", dict)
    assert jobs == expected, f"All three jobs should be shown as {state}; your app shows {jobs}."
    return where


@behaviour(points=1, hint="Nothing is confirmed, reserved or shipped yet. Which status says so?")
def test_order_is_accepted(visitor: Visitor) -> None:
    """An order is answered with 202 Accepted and its id."""
    reply = place(visitor)
    assert reply.status == 202, f"The order was answered with {reply.status}."
    reply.field("id", str)


@behaviour(points=1, hint="Whoever gets a 202 wants to know where to ask later.")
def test_location_leads_to_the_jobs(visitor: Visitor) -> None:
    """The answer's Location leads to the order and the states of its three side jobs."""
    reply = place(visitor)
    shown = visitor.get(reply.follow())
    assert shown.status == 200, f"Asking at the Location was answered with {shown.status}."
    assert shown.field("id", str) == reply.field("id", str), "The order at the Location has another id."
    jobs = shown.field("jobs", dict)
    assert set(jobs) == set(JOBS), f"The jobs shown are {', '.join(sorted(jobs)) or 'none'}."
    odd = [state for state in jobs.values() if state not in ("pending", "done", "failed")]
    assert not odd, f"A job's state is {odd[0]!r}; it can be pending, done or failed."


@behaviour(points=2, hint="Whom does the customer wait for?")
def test_response_waits_for_no_job(visitor: Visitor, mailbox: Mailbox, stock: Partner, warehouse: Partner) -> None:
    """The response waits neither for the mail server nor for a partner."""
    with mailbox.closed(), stock.closed(), warehouse.closed():
        reply = place(visitor)
    assert reply.arrived, "Your app called the mail server or a partner before it answered the customer."
    for part in (mailbox, stock, warehouse):
        with part.closed() as gate:
            place(visitor)
            assert gate.knocked(), "One of the three jobs was not begun."
            assert place(visitor).arrived, "While a job of one order waited, the next order was not answered."


@behaviour(points=2, hint="Three jobs were promised. Who starts each of them?")
def test_side_jobs_are_carried_out(
    visitor: Visitor, mailbox: Mailbox, stock: Partner, warehouse: Partner, app: App
) -> None:
    """The customer gets one mail, the stock one reservation, and the warehouse one shipment."""
    order_id = place(visitor).field("id", str)
    mail = mailbox.next()
    assert mail.to == ["ada@example.com"], f"The confirmation went to {', '.join(mail.to)}."
    check_call(stock, "/reservations", order_id)
    check_call(warehouse, "/shipments", order_id)
    app.settle(0.02)  # nothing else would come after a second time
    times = [len(mailbox.mails), len(stock.calls), len(warehouse.calls)]
    assert times == [1, 1, 1], f"Mail, stock and warehouse were told {times[0]}, {times[1]} and {times[2]} times."


@behaviour(points=4, hint="When one job raises, who is still there to start the next one?")
def test_one_failure_leaves_the_others(
    visitor: Visitor, mailbox: Mailbox, stock: Partner, warehouse: Partner, app: App
) -> None:
    """Whichever side job fails, the other two are carried out."""
    stock.drop()
    with mailbox.closed():  # also when the jobs are carried out at the same time, the stock's failure comes first
        place(visitor)
        app.settle(0.02)
    mailbox.expect(1)
    warehouse.expect(1)
    stock.expect(1)
    app.settle(0.02)
    assert len(stock.calls) == 1, f"The stock service hung up, and was called {len(stock.calls)} times."
    stock.answer(200)
    mailbox.refuse("bob@example.com")
    place(visitor, "bob@example.com")
    stock.expect(2)
    warehouse.expect(2)


@behaviour(
    points=3,
    hint="Where could the customer read what became of a job after the answer has gone?",
    needs=["test_location_leads_to_the_jobs"],
)
def test_outcomes_are_shown(visitor: Visitor, mailbox: Mailbox, stock: Partner, warehouse: Partner) -> None:
    """The order shows each side job as done or as failed, whatever became of it."""
    earlier = check_outcomes(visitor, "done")
    spoil(mailbox, stock, warehouse)
    check_outcomes(visitor, "failed")
    stock.answer(409)
    check_outcomes(visitor, "failed")
    jobs = visitor.get(earlier).field("jobs", dict)
    assert set(jobs.values()) == {"done"}, f"An earlier order, whose jobs were done, is now shown with {jobs}."


@behaviour(points=3, hint="It is three in the morning and one order is stuck. What would you search the log for?")
def test_failures_are_logged(visitor: Visitor, mailbox: Mailbox, stock: Partner, warehouse: Partner, app: App) -> None:
    """Every failure is logged in a line with the order's id and the job's name."""
    spoil(mailbox, stock, warehouse)
    order_id = place(visitor).field("id", str)

    def unlogged() -> list[str]:
        lines = [line for line in app.output.splitlines() if order_id in line]
        return [job for job in JOBS if not any(job in line for line in lines)]

    visitor.until("/orders/another", lambda _: not unlogged())
    assert not unlogged(), f"No line of output holds both the order's id and the job's name: {', '.join(unlogged())}."
