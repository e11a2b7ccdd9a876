"""Order and message are stored together, and a relay carries the messages to the broker, whatever happens."""

from collections.abc import Sequence

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, PartnerCall, Reply, Visitor, World

PARTNERS = ("broker",)
SETTINGS = {"RELAY_SECONDS": "0.02"}
TRY = ('POST /orders {"number": "A-17", "customer": "ada", "item": "tea"}', "GET /orders/A-17")
NUMBERS = ["M-4", "A-9", "T-1", "D-6", "B-2"]
"""In the order in which they are placed, and in no other."""


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


def told(calls: Sequence[PartnerCall]) -> list[str]:
    """Of which orders the broker was told, in order, without what was only repeated at once."""
    numbers = [call.field("number", str) for call in calls]
    return [number for place, number in enumerate(numbers) if [number] != numbers[place - 1 : place]]


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
def test_refused_order_has_no_message(visitor: Visitor, broker: Partner) -> None:
    """An order that is refused with 409 has no message."""
    store(visitor, "A-1")
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
    """The process is killed after the orders are stored and before their messages are taken: they arrive."""
    with broker.closed() as gate:
        store(visitor, "A-1")
        assert gate.knocked(), "The broker was not told of the order."
        store(visitor, "A-2")
        app.kill()
    before = len(broker.calls)
    app.restart()
    world.patience.until(lambda: {"A-1", "A-2"} <= set(told(broker.calls[before:])), idle=0.15)
    missing = {"A-1", "A-2"} - set(told(broker.calls[before:]))
    assert not missing, (
        f"Two orders were stored. After the restart the broker was not told of {', '.join(sorted(missing))}."
    )


@behaviour(
    points=2,
    hint="By what do the consumers know that they have seen this message before, and since when is that certain?",
    needs=["test_message_survives_a_crash"],
)
def test_message_keeps_its_id(visitor: Visitor, app: App, broker: Partner) -> None:
    """A message that the broker took just before the process was killed comes again under the same id."""
    with broker.closed(at="answer") as gate:
        store(visitor, "A-1")
        assert gate.knocked(), "The broker was not told of the order."
        app.kill()
    app.restart()
    first, again = broker.expect(2)[:2]
    ids = first.field("id", str), again.field("id", str)
    assert ids[0] == ids[1], f"One order was told under two ids, {ids[0]} and {ids[1]}: consumers act on both."


@behaviour(
    points=2,
    hint="How does the relay know that a message has been taken, and who looks after the relay?",
    needs=["test_broker_is_told_once"],
)
def test_message_is_sent_until_it_is_taken(visitor: Visitor, broker: Partner) -> None:
    """A message is sent again when the broker hangs up, and when it answers 503."""
    broker.answer(503, times=1)
    broker.drop(times=1)
    store(visitor, "A-1")
    world_saw = [call.field("number", str) for call in broker.expect(3)]
    assert world_saw == ["A-1"] * 3, f"The broker hung up and then answered 503; it was told of {world_saw}."


@behaviour(
    points=3,
    hint="The first one has not been taken: what may leave now?",
    needs=["test_message_is_sent_until_it_is_taken", "test_visitors_do_not_wait_for_the_broker"],
)
def test_messages_are_taken_in_order(visitor: Visitor, world: World, broker: Partner) -> None:
    """A customer's messages are taken in the order of the orders, also when the first ones are refused."""
    refusals = 2  # the first attempt, which is made when there is no other order yet, and the next one
    broker.answer(503, times=refusals)
    with broker.closed() as gate:
        store(visitor, NUMBERS[0])
        assert gate.knocked(), "The broker was not told of the order."
        for number in NUMBERS[1:]:
            store(visitor, number)
    world.patience.until(lambda: set(NUMBERS) <= set(told(broker.calls[refusals:])), idle=0.15)
    taken = list(dict.fromkeys(told(broker.calls[refusals:])))
    assert taken == NUMBERS, f"Ada's orders were stored as {NUMBERS}, and the broker took their messages as {taken}."
