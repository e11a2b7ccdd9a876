"""Orders that are paid by a worker: it dies, its child dies, it hangs, it is given things twice."""

import pytest

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App
from grader.world import Payments, Reply, Visitor, World
from grader.world.celery_broker import CeleryBroker
from grader.world.redis import Redis

WORKER = ("celery", "worker", "--pool=prefork", "--concurrency=1")
WORKERS = (WORKER,)
TRY = ('POST /orders {"amount": 1200}',)
ORDER = {"amount": 1200}
HANDED_OVER = 1.0
"""Seconds of idleness: a message goes through Redis and two of the worker's processes, and all may sleep meanwhile."""
NOTHING_LEFT = 0.4
"""The same when the broker holds nothing: all that there can be is a message just taken, and not yet noted as such."""
ALL_TAKEN = 0.03
"""Seconds of idleness after which a worker that wants more has it: it waits in Redis, which hands over at once."""
LIMIT = 0.1
"""Seconds that an attempt may take: the one wait that nobody can cut short, for the worker itself counts it."""
TURN = 6.0
"""Seconds of idleness: a hard time limit kills the child, and a pool that missed its death looks again after 5 s."""
TRIES = 8
"""On a machine that is busy an attempt may be over before it got to the provider: then another order is tried."""


@pytest.fixture(autouse=True)
def broker(redis: Redis, payments: Payments) -> CeleryBroker:  # noqa: ARG001 - no order is paid without a provider
    """What lies in the queue, and what has been taken from it."""
    return CeleryBroker(redis)


@behaviour(points=1, hint="Which status says: accepted, not done yet? And who does the rest?")
@pytest.mark.usefixtures("worker")
def test_order_is_paid(visitor: Visitor, payments: Payments, broker: CeleryBroker) -> None:
    """An order is answered with 202, and a worker pays it."""
    accepted = visitor.post("/orders", ORDER)
    assert accepted.status == 202, f"The order was answered with {accepted.shown()}."
    order = accepted.field("id", str)
    payments.expect(1, patience=HANDED_OVER)
    _assert_paid(_decided(visitor, order, broker), payments, order)
    assert [charge.amount for charge in payments.charges] == [1200], f"Charged was: {payments.charges}"


@behaviour(points=3, hint="When does the broker forget a message: when it is handed out, or when the work is done?")
def test_killed_workers_order_is_paid(
    visitor: Visitor, worker: App, payments: Payments, redis: Redis, broker: CeleryBroker
) -> None:
    """An order whose worker is killed at work is paid by the next worker."""
    with payments.closed() as gate:
        order = _order(visitor)
        assert gate.knocked(HANDED_OVER), "No worker went to the payment provider."
        payments.drop(times=1)  # what the dead one had asked for is not done
        worker.kill()
    redis.drop_the_dead()
    left = broker.taken() or broker.waiting()
    broker.time_out()
    worker.restart()
    reply = _decided(visitor, order, broker)
    where = "the broker still has its message" if left else "the broker had forgotten its message by then"
    _assert_paid(reply, payments, order, f"Its worker was killed at work, and {where}")


@behaviour(points=3, hint="The worker sees its child dead. Does it take the task for ended, or for unfinished?")
def test_killed_childs_order_is_paid(visitor: Visitor, worker: App, payments: Payments, broker: CeleryBroker) -> None:
    """An order is paid although the child process that was at work on it is killed."""
    with payments.closed() as gate:
        order = _order(visitor)
        assert gate.knocked(HANDED_OVER), "No worker went to the payment provider."
        payments.drop(times=1)
        worker.kill_busiest_child()
    reply = _decided(visitor, order, broker)
    held = broker.taken() or broker.waiting()
    where = "the broker still has its message" if held else "the broker has no message any more"
    _assert_paid(reply, payments, order, f"The child process was killed at work, the worker lives on, and {where}")


@behaviour(
    points=3,
    hint="Who can tell how many attempts there have been, when each of them ends without a last word?",
    needs=["test_killed_childs_order_is_paid"],
    settings={"MAX_ATTEMPTS": "2"},
)
def test_order_that_kills_is_given_up(visitor: Visitor, worker: App, payments: Payments, broker: CeleryBroker) -> None:
    """An order whose attempts have died MAX_ATTEMPTS times (here 2) is given up for good, and no other one for it."""
    with payments.closed():
        order = _order(visitor)
        for attempt in (1, 2):
            payments.expect(attempt, patience=HANDED_OVER)
            messages = broker.taken()
            worker.kill_busiest_child()
        reply = visitor.until(
            f"/orders/{order}", lambda told: _is_decided(told) or len(payments.calls) > attempt, patience=HANDED_OVER
        )
        assert len(payments.calls) == attempt, "Two attempts had died, and there was a third one."
    assert _status(reply) == "given_up", f"Two attempts have died, and the order is not given up: {reply.shown()}."
    for message in messages:
        broker.deliver(message)
    other = _order(visitor)
    _assert_paid(_decided(visitor, other, broker), payments, other, "One order was given up, and this is another one")
    again = [call for call in payments.calls[attempt:] if call.field("order", str) == order]
    assert not again, "The message of an order that was given up came again, and there was a third attempt."


@behaviour(
    points=4,
    hint="The money is taken, and nobody lives who knows. By what does the provider recognise the next attempt?",
    needs=["test_killed_childs_order_is_paid"],
    settings={"MAX_ATTEMPTS": "2"},
)
def test_order_is_charged_once(visitor: Visitor, worker: App, payments: Payments, broker: CeleryBroker) -> None:
    """An order that was charged when its attempt died, and is delivered again when it is paid, is charged once."""
    with payments.closed(at="answer") as gate:
        order = _order(visitor)
        assert gate.knocked(HANDED_OVER), "No worker went to the payment provider."
        messages = broker.taken()
        worker.kill_busiest_child()
    _assert_paid(_decided(visitor, order, broker), payments, order)
    assert payments.charged(order) == 1, f"The order was charged {payments.charged(order)} times."
    for message in messages:
        broker.deliver(message)
    _assert_paid(_decided(visitor, _order(visitor), broker), payments, order)  # it stood behind: that one is done with
    _assert_paid(visitor.get(f"/orders/{order}"), payments, order, "The message of a paid order came again")
    assert payments.charged(order) == 1, f"The order was charged {payments.charged(order)} times."


@behaviour(
    points=3,
    hint="Who has a watch, when the one who works waits for ever?",
    settings={"ATTEMPT_SECONDS": str(LIMIT)},
)
def test_attempt_that_hangs_is_ended(visitor: Visitor, worker: App, payments: Payments, broker: CeleryBroker) -> None:
    """An order to which the provider never answers is given up after one attempt, and the next one has its turn."""
    with payments.closed():
        hanging = _order_at_the_provider(visitor, payments)
        _order(visitor)
        reply = visitor.until(f"/orders/{hanging}", lambda told: _status(told) == "given_up", patience=HANDED_OVER)
        assert _status(reply) == "given_up", f"The provider is silent, and the order is not given up: {reply.shown()}."
        # It is begun, or over before it came to the provider: see TRIES.
        in_turn = worker.patience.until(lambda: len(payments.calls) > 1 or _is_empty(broker), idle=TURN)
        assert in_turn, "The attempt before was over, and the worker did not turn to the next order."
    attempts = sum(call.field("order", str) == hanging for call in payments.calls)
    assert attempts < 2, f"The first attempt took too long, and there were {attempts}."


@behaviour(
    points=2,
    hint="How many messages does a worker take that has one hand?",
    needs=["test_killed_workers_order_is_paid"],
)
def test_waiting_order_is_anybodys(
    visitor: Visitor, worker: App, world: World, payments: Payments, broker: CeleryBroker
) -> None:
    """While one worker is at work, the next order is taken by another worker."""
    with payments.closed() as gate:
        _order(visitor)
        assert gate.knocked(HANDED_OVER), "No worker went to the payment provider."
        _order(visitor)
        worker.patience.until(lambda: not broker.waiting(), idle=ALL_TAKEN)
        world.workers.ready(*WORKER)
        knocked = gate.knocked(HANDED_OVER if broker.waiting() else NOTHING_LEFT, times=2)
    assert knocked, "One worker was at work and had the next order in reserve; the other worker had nothing to do."


def _order(visitor: Visitor) -> str:
    identity: str = visitor.post("/orders", ORDER).field("id", str)
    return identity


def _order_at_the_provider(visitor: Visitor, payments: Payments) -> str:
    for _ in range(TRIES):
        order = _order(visitor)
        visitor.until(f"/orders/{order}", lambda told: bool(payments.calls) or _is_decided(told), patience=HANDED_OVER)
        if payments.calls:
            return order
    raise Unmet("No worker went to the payment provider.")


def _decided(visitor: Visitor, order: str, broker: CeleryBroker) -> Reply:
    """Wait until the order is decided; not for long when the broker has nothing more to give."""
    path = f"/orders/{order}"
    reply = visitor.until(path, lambda told: _is_decided(told) or _is_empty(broker), patience=HANDED_OVER)
    return reply if _is_decided(reply) else visitor.until(path, _is_decided, patience=NOTHING_LEFT)


def _is_empty(broker: CeleryBroker) -> bool:
    return not broker.waiting() and not broker.taken()


def _is_decided(reply: Reply) -> bool:
    return _status(reply) in {"paid", "given_up"}


def _status(reply: Reply) -> str:
    return str(reply.json.get("status")) if isinstance(reply.json, dict) else ""


def _assert_paid(reply: Reply, payments: Payments, order: str, what: str = "The provider was there") -> None:
    assert _status(reply) == "paid", f"{what}: {reply.shown()}."
    assert payments.charged(order), "The order is told to be paid, and was never charged."
