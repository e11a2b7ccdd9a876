"""Order and message are stored together, and a relay carries the messages to the broker, whatever happens."""

from collections.abc import Container, Sequence

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, PartnerCall, Reply, Visitor, World
from grader.world.transactions import Transactions

PARTNERS = ("broker",)
SETTINGS = {"RELAY_SECONDS": "0.02"}
TRY = ('POST /orders {"number": "A-17", "customer": "ada", "item": "tea"}', "GET /orders/A-17")
NUMBERS = ["M-4", "A-9", "T-1", "D-6", "B-2"]
"""In the order in which they are placed, and in no other."""
ATTEMPTS = 12
"""More than anybody makes who counts them, and more than delays that grow allow for."""


@pytest.fixture(autouse=True)
def broker(world: World) -> Partner:
    """The broker; it takes every message unless it is told otherwise."""
    return world.partner("broker")


def order(number: str) -> dict[str, str]:
    """Describe an order of Ada's."""
    return {"number": number, "customer": "ada", "item": "tea"}


def place(visitor: Visitor, number: str) -> Reply:
    """Place an order of Ada's."""
    return visitor.post("/orders", order(number))


def store(visitor: Visitor, number: str) -> None:
    """Place an order, and fail when it is not stored: without it there is nothing to be told."""
    reply = place(visitor, number)
    assert reply.status in {200, 201, 202}, f"Order {number} was not stored: {reply.shown()}."


def told(calls: Sequence[PartnerCall], but: Container[int] = ()) -> list[str]:
    """Of which orders the broker was told, in order, without what was only repeated at once, and but for some calls."""
    numbers = [call.field("number", str) for place, call in enumerate(list(calls)) if place not in but]
    return [number for place, number in enumerate(numbers) if [number] != numbers[place - 1 : place]]


def told_after_restart(world: World, app: App, broker: Partner, wanted: set[str]) -> set[str]:
    """Start your app again; of which of these orders the broker is told then."""
    before = len(broker.calls)
    app.restart()
    world.patience.until(lambda: wanted <= set(told(broker.calls[before:])), idle=0.15)
    return wanted & set(told(broker.calls[before:]))


@behaviour(points=1, hint="Something has been created: which status says so?")
def test_order_is_stored(visitor: Visitor) -> None:
    """An order is answered with 201, and can be read at its number."""
    reply = place(visitor, "A-1")
    assert reply.status == 201, f"The order was answered with {reply.shown()}."
    found = visitor.get("/orders/A-1")
    assert found.status == 200, f"The order had been stored; asked for it, your app answered {found.shown()}."
    said = {name: found.field(name, str) for name in order("A-1")}
    assert said == order("A-1"), f"The order reads {found.text}."


@behaviour(points=2, hint="What tells a message that has to leave from one that has arrived?")
def test_broker_is_told_once(visitor: Visitor, broker: Partner) -> None:
    """The broker is told of each order, and not again when it has taken the message."""
    for number in NUMBERS[:2]:
        store(visitor, number)
        call = broker.next()
        assert (call.method, call.path) == ("POST", "/messages"), f"The broker got {call.method} {call.path}."
        call.field("id", str)
        said = {name: call.field(name, str) for name in order(number)}
        assert said == order(number), f"After order {number} the broker was told of {said}."


@behaviour(points=2, hint="What does a visitor have to wait for, and what do others hold while the broker is silent?")
def test_visitors_do_not_wait_for_the_broker(visitor: Visitor, broker: Partner) -> None:
    """While the broker is silent, orders are stored and answered."""
    with broker.closed() as gate:
        first = place(visitor, "A-1")
        assert first.arrived, "The broker was silent, and the visitor waited for it."
        assert gate.knocked(), "The broker was not told of the order."
        second = place(visitor, "A-2")
        assert second.arrived, "While a message waited for the broker, the next order was not answered."


@behaviour(
    points=2,
    hint="When the order is rolled back, is everything rolled back that was written for it?",
    needs=["test_broker_is_told_once"],
)
def test_refused_order_has_no_message(visitor: Visitor, app: App, broker: Partner) -> None:
    """An order that is refused with 409 has no message."""
    store(visitor, "A-1")
    app.settle()  # whether a relay hears of what is stored during its round is asked elsewhere
    refused = visitor.post("/orders", order("A-1") | {"item": "coffee"})
    assert refused.status == 409, f"The number was taken, and the second order was answered {refused.shown()}."
    store(visitor, "A-2")
    while "A-2" not in told(broker.calls):  # a message for the refused order would have come before this one
        broker.next()
    items = [call.field("item", str) for call in broker.calls]
    assert "coffee" not in items, "The broker was told of an order that had been refused."


@behaviour(
    points=4,
    hint="The process is gone. What does the next one know of the message, and what makes it look?",
    needs=["test_broker_is_told_once", "test_visitors_do_not_wait_for_the_broker"],
)
def test_message_survives_a_crash(visitor: Visitor, world: World, app: App, broker: Partner) -> None:
    """Whenever the process is killed, stored orders have a message that arrives, and others have none."""
    with broker.closed() as gate:
        store(visitor, "A-1")
        assert gate.knocked(), "The broker was not told of the order."
        store(visitor, "A-2")
        app.kill()
    missing = sorted({"A-1", "A-2"} - told_after_restart(world, app, broker, {"A-1", "A-2"}))
    assert not missing, f"Two orders were stored. After the restart the broker was not told of {', '.join(missing)}."
    _assert_stored_as_one(visitor, world, app, broker)


def _assert_stored_as_one(visitor: Visitor, world: World, app: App, broker: Partner) -> None:
    """Go back to each moment between two transactions: a kill at that moment would have left just this."""
    app.settle()  # the messages that were taken are marked by now
    app.kill()
    transactions = Transactions(world.data / "app.db")
    transactions.log()
    app.restart()
    with broker.closed(), transactions.between() as states:
        store(visitor, "A-3")
        app.kill()
    for state in states:
        app.kill()
        transactions.put_back(state)
        world.timeline.record("database", "lies there as it did between two transactions of this order")
        is_told = bool(told_after_restart(world, app, broker, {"A-3"}))
        is_stored = visitor.get("/orders/A-3").status == 200
        seen = f"A-3 was {'' if is_stored else 'not '}stored, and the broker was {'' if is_told else 'not '}told of it"
        assert is_told == is_stored, f"Killed between two transactions: {seen}."


@behaviour(
    points=2,
    hint="By what do the consumers know that they have seen this message before, and since when is that certain?",
    needs=["test_message_survives_a_crash"],
)
def test_message_keeps_its_id(visitor: Visitor, app: App, broker: Partner) -> None:
    """A message that comes again, because of a kill, comes under its own id, and no other message has that."""
    with broker.closed(at="answer") as gate:
        store(visitor, "A-1")
        assert gate.knocked(), "The broker was not told of the order."
        app.kill()
    app.restart()
    first, again = broker.expect(2)[:2]
    ids = first.field("id", str), again.field("id", str)
    assert ids[0] == ids[1], f"One order was told under two ids, {ids[0]} and {ids[1]}: consumers act on both."
    app.settle()  # that it has been taken is noted by now
    store(visitor, "A-2")
    others = [call.field("id", str) for call in broker.expect(3) if call.field("number", str) == "A-2"]
    assert ids[0] not in others, f"Two orders were told under one id, {ids[0]}: consumers drop the second."


@behaviour(
    points=2,
    hint="How does the relay know that a message has been taken, and who looks after the relay?",
    needs=["test_broker_is_told_once"],
)
def test_message_is_sent_until_it_is_taken(visitor: Visitor, world: World, broker: Partner) -> None:
    """A message is sent again for as long as the broker hangs up, or answers anything but 2xx."""
    broker.answer(503, times=ATTEMPTS - 3)
    broker.answer(429, times=1)
    broker.drop(times=1)
    store(visitor, "A-1")
    for attempts in range(ATTEMPTS):
        sent = world.patience.until(lambda: len(broker.calls) > attempts, idle=0.15)  # noqa: B023 - called at once
        assert sent, f"The broker had not taken the message; after {attempts} attempts it was not sent again in time."


@behaviour(
    points=3,
    hint="The first one has not been taken: what may leave now? And what of one that comes while another one leaves?",
    needs=["test_message_is_sent_until_it_is_taken", "test_visitors_do_not_wait_for_the_broker"],
)
def test_messages_are_taken_in_order(visitor: Visitor, world: World, broker: Partner) -> None:
    """A customer's messages are taken in the order of the orders, each once, also when some are refused first."""
    refused = {0, 1, 4}  # the first attempt, made when there is no other order yet, the next one, and one amid the rest
    broker.answer(503, times=1)  # what is said last is named first
    broker.answer(200, times=2)
    broker.answer(503, times=2)
    _store_while_the_first_leaves(visitor, broker, NUMBERS)
    world.patience.until(lambda: set(NUMBERS) <= set(told(broker.calls, but=refused)), idle=0.15 * len(refused))
    taken = told(broker.calls, but=refused)
    assert taken == NUMBERS, f"Ada's orders were stored as {NUMBERS}, and the broker took their messages as {taken}."
    _store_while_the_first_leaves(visitor, broker, ["K-1", "C-1"])  # and now the first one is taken at once
    is_told = world.patience.until(lambda: "C-1" in told(broker.calls), idle=0.15)
    assert is_told, "C-1 was stored while the message of K-1 was on its way: the broker was never told of C-1."


def _store_while_the_first_leaves(visitor: Visitor, broker: Partner, numbers: Sequence[str]) -> None:
    with broker.closed() as gate:
        store(visitor, numbers[0])
        assert gate.knocked(), "The broker was not told of the order."
        for number in numbers[1:]:
            store(visitor, number)
