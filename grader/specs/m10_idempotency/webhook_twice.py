"""Every event counts once: delivered twice, at once, out of order, and across crashes."""

import itertools

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App
from grader.world import Call, Reply, Visitor, World
from grader.world.payments import Payments

TRY = (
    'POST /webhooks/warehouse {"id": "e-1", "order": "A-17", "number": 1, "status": "packed", "amount": 1200}',
    'POST /webhooks/warehouse {"id": "e-2", "order": "A-17", "number": 2, "status": "shipped", "amount": 1200}',
    "GET /orders/A-17",
)

Event = dict[str, object]
AT_ONCE = 20
PRICE = 1200
PAUSES = (0.0, 0.0, 0.0, 0.2, 0.3, 0.5)
"""Seconds between two deliveries of an event that was not taken."""
FAILURES = 6
"""How often a charge fails: often enough for delays that double to grow far beyond those half a second."""
QUICK, SLOW = 0.15, 1.0
"""Patience with what follows at once, and with what may have to be tried again."""

deliveries = itertools.count(1)


def event(number: int, status: str, identity: str = "") -> Event:
    """An event of the order A-17."""
    return {"id": identity or f"e-{number}", "order": "A-17", "number": number, "status": status, "amount": PRICE}


PACKED, SHIPPED, DELIVERED = event(1, "packed"), event(2, "shipped"), event(3, "delivered")


def start(visitor: Visitor, what: Event) -> Call:
    """Deliver an event, without waiting for the reply."""
    return visitor.start("POST", "/webhooks/warehouse", what, {"X-Delivery-Id": f"d-{next(deliveries)}"})


def taken(reply: Reply) -> bool:
    """Whether the reply is a 2xx."""
    return reply.status is not None and 200 <= reply.status < 300


def deliver(visitor: Visitor, app: App, what: Event) -> None:
    """Deliver an event until it is taken. Raises Unmet when it is not, in more than a second."""
    reply = Reply("POST /webhooks/warehouse")
    for pause in PAUSES:
        if pause:
            app.settle(pause)
        reply = start(visitor, what).reply(patience=SLOW)
        if taken(reply):
            return
    raise Unmet(f"Delivered {len(PAUSES)} times, the event {what['id']} was still not taken: {reply.shown()}.")


def finish(delivery: Call, visitor: Visitor, app: App, what: Event) -> None:
    """Wait for the reply to a delivery; unless the event was taken, deliver it until it is."""
    if not taken(delivery.reply(patience=SLOW)):
        deliver(visitor, app, what)


def show(visitor: Visitor, number: int, paid: int, patience: float) -> Reply:
    """Wait until the order shows that event, and that much paid; the last reply, either way."""

    def is_there(reply: Reply) -> bool:
        order = reply.json
        return isinstance(order, dict) and order.get("number") == number and order.get("paid") == paid

    return visitor.until("/orders/A-17", is_there, patience)


def assert_order(visitor: Visitor, last: Event, paid: int, after: str, patience: float = QUICK) -> None:
    """The order shows that event as its last one, and that much paid."""
    order = show(visitor, int(str(last["number"])), paid, patience)
    assert order.status == 200, f"{after}, and GET /orders/A-17 was answered with {order.shown()}."
    seen = order.field("number", int), order.field("status", str), order.field("paid", int)
    wanted = last["number"], last["status"], paid
    assert seen == wanted, f"{after}: number, status and paid should be {wanted}, and are {seen}."


def assert_charged(payments: Payments, times: int, after: str) -> None:
    """So many charges in all."""
    assert len(payments.charges) == times, f"{after}: {len(payments.charges)} charges instead of {times}."


@behaviour(points=1, hint="What does each status mean for the order, and for the money?")
def test_events_are_taken(visitor: Visitor, payments: Payments, app: App) -> None:
    """Events are answered with 2xx, the order shows the last one, and the one that ships is paid."""
    for what in (PACKED, SHIPPED):
        deliver(visitor, app, what)
    assert_order(visitor, SHIPPED, PRICE, "A-17 was packed and shipped")
    assert_charged(payments, 1, "A-17 was packed and shipped")
    assert payments.charges[0].amount == PRICE, f"Charged were {payments.charges[0].amount} of {PRICE}."


@behaviour(
    points=2,
    hint="Two deliveries, or two events? Who made up the name by which you tell?",
    needs=["test_events_are_taken"],
)
def test_events_are_told_apart_by_their_id(visitor: Visitor, payments: Payments, app: App) -> None:
    """An event that is delivered again, under another delivery id, changes nothing; one with another id is another."""
    for what in (SHIPPED, SHIPPED):
        deliver(visitor, app, what)
    assert_order(visitor, SHIPPED, PRICE, "One event was delivered twice")
    deliver(visitor, app, event(2, "shipped", "e-2b"))
    assert_order(visitor, SHIPPED, 2 * PRICE, "Two events with two ids, alike in all else, were delivered")
    assert_charged(payments, 2, "Of two events, one was delivered twice")


# Starting a second process and answering twenty deliveries takes longer than a behaviour otherwise may.
@behaviour(
    points=4,
    hint="Of all who deal with one event at once, who may write down what it did? How does one find out?",
    needs=["test_events_are_taken"],
)
def test_twenty_deliveries_at_once_count_once(visitor: Visitor, payments: Payments, world: World, app: App) -> None:
    """An event that is delivered twenty times at once, to two processes, is charged once and added once."""
    visitors = [visitor, world.instance().visitor]
    with payments.closed() as gate:
        calls = [start(visitors[number % 2], SHIPPED) for number in range(AT_ONCE)]
        assert gate.knocked(patience=SLOW), "None of the twenty deliveries led to the payment provider."
        app.settle(0.03)  # the others come as far as they can
    for call in calls:
        finish(call, visitor, app, SHIPPED)
    deliver(visitor, app, DELIVERED)
    assert_order(visitor, DELIVERED, PRICE, "One event was delivered twenty times at once")
    assert_charged(payments, 1, "One event was delivered twenty times at once")


@behaviour(
    points=2,
    hint="A late event is old news for one part of the order, and not for the other. Which is which?",
    needs=["test_events_are_taken"],
)
def test_an_older_event_overwrites_nothing(visitor: Visitor, payments: Payments, app: App) -> None:
    """An event that comes after a newer one leaves the status as it is, and is paid all the same."""
    older, newer = event(9, "shipped"), event(10, "delivered")
    deliver(visitor, app, newer)
    assert_order(visitor, newer, 0, "A-17 was delivered, says the first event that came")
    deliver(visitor, app, older)
    assert_order(visitor, newer, PRICE, 'Event 9, "shipped", came after event 10, "delivered"')
    assert_charged(payments, 1, "The event that ships came late")


@behaviour(
    points=3,
    hint="You compared, then you waited for somebody, then you wrote. Is it still so when you write?",
    needs=["test_an_older_event_overwrites_nothing"],
)
def test_an_event_may_be_overtaken(visitor: Visitor, payments: Payments, app: App) -> None:
    """An event that is overtaken by others, while its payment is under way, overwrites nothing of what they wrote."""
    events = event(1, "shipped"), SHIPPED, DELIVERED
    with payments.closed() as gate:
        calls = [start(visitor, events[0])]
        assert gate.knocked(), "The event that ships did not lead to the payment provider."
        calls += [start(visitor, what) for what in events[1:]]
        app.settle(0.03)  # they come as far as they can
    for call, what in zip(calls, events, strict=True):
        finish(call, visitor, app, what)
    assert_order(visitor, DELIVERED, 2 * PRICE, '"shipped", "shipped" and "delivered" were under way at the same time')


@behaviour(
    points=3,
    hint="The process dies, and the next one reads what is marked as done. Was it?",
    needs=["test_events_are_taken"],
)
def test_a_crash_before_the_charge_loses_nothing(visitor: Visitor, payments: Payments, app: App) -> None:
    """An event whose process died before the provider had charged is delivered again, if not taken; it counts once."""
    payments.drop(times=1)  # what the process that dies had asked for is never carried out
    with payments.closed() as gate:
        delivery = start(visitor, SHIPPED)
        assert gate.knocked(), "The event that ships did not lead to the payment provider."
        app.kill()
    app.restart()
    what = "taken" if taken(delivery.reply()) else "delivered again"
    finish(delivery, visitor, app, SHIPPED)
    assert_order(visitor, SHIPPED, PRICE, f"The process died before the charge, and the event was {what}", SLOW)
    assert_charged(payments, 1, f"The process died before the charge, and the event was {what}")


@behaviour(
    points=3,
    hint="The money is taken, and nobody here knows it any more. By what does the provider know the event again?",
    needs=["test_events_are_taken"],
)
def test_a_crash_after_the_charge_doubles_nothing(visitor: Visitor, payments: Payments, app: App) -> None:
    """After a crash both a finished event and one that was charged but not finished come again, and count once."""
    first = event(1, "shipped")
    deliver(visitor, app, first)
    with payments.closed(at="answer") as gate:
        start(visitor, SHIPPED)
        assert gate.knocked(), "The event that ships did not lead to the payment provider."
        app.kill()
    app.restart()
    for what in (first, SHIPPED, DELIVERED):
        deliver(visitor, app, what)
    assert_order(visitor, DELIVERED, 2 * PRICE, "The process died, and two events were delivered again", SLOW)
    assert_charged(payments, 2, "The process died, and two events were delivered again")


@behaviour(
    points=2,
    hint="What do you tell the warehouse when you could not do it, and what do you remember of it?",
    needs=["test_events_are_taken"],
)
def test_a_failed_charge_is_tried_again(visitor: Visitor, payments: Payments, app: App) -> None:
    """An event whose charge fails, be it often, or is made and the answer lost, is soon tried again and counts once."""
    with payments.closed() as gate:
        calls = [start(visitor, SHIPPED), start(visitor, SHIPPED)]
        assert gate.knocked(), "The event that ships did not lead to the payment provider."
        app.settle(0.03)  # the other comes as far as it can
        payments.answer(503, times=gate.waiting)
        payments.lose_answers()
    told = [call.reply(patience=SLOW) for call in calls]
    if not any(taken(reply) for reply in told):  # one 2xx is enough for the warehouse
        deliver(visitor, app, SHIPPED)
    assert_order(visitor, SHIPPED, PRICE, "The provider failed, then hung up, then was well again", 2 * SLOW)
    assert_charged(payments, 1, "The provider failed, then hung up, then was well again")
    another = event(3, "shipped")
    _fail_often(visitor, payments, app, another)
    assert_order(visitor, another, 2 * PRICE, "The provider failed for a while, then was well again", SLOW)
    assert_charged(payments, 2, "The provider failed for a while, then was well again")


def _fail_often(visitor: Visitor, payments: Payments, app: App, what: Event) -> None:
    """Deliver an event to whose charge the provider says 503; who took it all the same has to go on trying."""
    before = len(payments.calls)
    payments.answer(503)
    first = start(visitor, what).reply(patience=SLOW)
    for tried in range(1, FAILURES if taken(first) else 0):
        again = app.patience.until(lambda: len(payments.calls) > before + tried, idle=SLOW)  # noqa: B023 - used at once
        assert again, f"An event was taken, its charge failed {tried} times, and a second later nobody had tried again."
    payments.answer(200)
    if not taken(first):
        deliver(visitor, app, what)
