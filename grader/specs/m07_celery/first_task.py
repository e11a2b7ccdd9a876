"""The service puts a task into the queue, and a worker, another process, does what it says, once."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Reply, Visitor, World
from grader.world.celery_broker import CeleryBroker, Message
from grader.world.redis import Redis

PARTNERS = ("depot",)
WORKERS = (("celery", "worker", "--pool=threads", "--concurrency=1"),)
TRY = ('POST /labels {"to": "Ada Lovelace", "articles": {"17": 2, "4": 1}}',)
ADA = {"to": "Ada Lovelace", "articles": {"17": 2, "4": 1}}
PRINTED = [
    (ADA, {"to": "Ada Lovelace", "grams": 705}),
    (ADA, {"to": "Ada Lovelace", "grams": 705}),  # a second parcel with the same in it
    ({"to": "Grace Hopper", "articles": {"29": 3}}, {"to": "Grace Hopper", "grams": 3600}),
    ({"to": "Zoë Müller", "articles": {"4": 4}}, {"to": "Zoë Müller", "grams": 100}),
]
HANDED_OVER = 0.3
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""


@pytest.fixture(autouse=True)
def depot(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that prints labels."""
    partner = world.partner("depot")
    partner.answer(201)
    return partner


@behaviour(points=1, hint="There is a status that says: accepted, not done yet.")
def test_order_is_accepted(visitor: Visitor) -> None:
    """A label is ordered, and answered with 202 Accepted, an id and the state "queued"."""
    reply = visitor.post("/labels", ADA)
    assert reply.status == 202, f"The order was answered with {reply.shown()}."
    reply.field("id", str)
    assert reply.field("state", str) == "queued", f"Nobody can have printed it yet: {reply.shown()}."


@behaviour(points=2, hint="Celery says the same of what waits and of what it never heard of. Who knows better?")
def test_location_tells_known_from_unknown(visitor: Visitor) -> None:
    """The Location leads to the label, which is queued; an id that was never given out is answered with 404."""
    accepted = visitor.post("/labels", ADA)
    where = accepted.follow()
    label = visitor.get(where)
    assert label.status == 200, f"GET {where} was answered with {label.shown()}."
    assert label.field("id", str) == accepted.field("id", str), f"GET {where} shows another label: {label.shown()}."
    assert label.field("state", str) == "queued", f"No worker is there, and yet: {label.shown()}."
    unknown = visitor.get("/labels/3f2b8c1e-9d47-4a60-8e15-7c0f2a9b6d11")
    assert unknown.status == 404, f"That id was never given out, and yet: {unknown.shown()}."


@behaviour(points=3, hint="Who talks to the depot, and in whose memory does the work wait until then?")
def test_work_waits_in_the_queue(visitor: Visitor, depot: Partner, redis: Redis) -> None:
    """While no worker is there, one order is one task in the queue, and the depot hears nothing."""
    with depot.closed():
        reply = visitor.post("/labels", ADA)
        assert reply.arrived, "The order was not answered: your service waits for the depot, or for a worker."
        waiting = _waiting(redis)
        assert len(waiting) == 1, f"One label was ordered, and {len(waiting)} tasks wait in the queue."
        assert not depot.calls, "Your service talked to the depot itself."


@pytest.mark.usefixtures("worker")
@behaviour(
    points=4,
    hint="The worker has imported your file, and has been sent some JSON. What does it know, and who runs what?",
    needs=["test_work_waits_in_the_queue"],
)
def test_worker_has_the_label_printed(visitor: Visitor, depot: Partner) -> None:
    """A worker takes the task, and the depot is told whose label to print, and the weight."""
    visitor.post("/labels", ADA)
    call = depot.next(HANDED_OVER)
    assert (call.method, call.path) == ("POST", "/labels"), f"The depot was sent {call.method} {call.path}."
    assert call.json == PRINTED[0][1], f"Two of article 17 and one of article 4 became {call.body.decode()}."


@pytest.mark.usefixtures("worker")
@behaviour(
    points=2,
    hint="The worker knows that it is done. How does the service, in another process, learn it?",
    needs=["test_worker_has_the_label_printed"],
)
def test_state_tells_that_it_is_printed(visitor: Visitor, depot: Partner) -> None:
    """The label's state is "queued" until the depot has printed it, and "printed" afterwards."""
    with depot.closed() as gate:
        where = visitor.post("/labels", ADA).follow()
        assert gate.knocked(HANDED_OVER), "Nobody came to the depot."
        label = visitor.get(where)
        assert label.field("state", str) == "queued", f"The depot has not printed it yet: {label.shown()}."
    label = visitor.until(where, _is_printed, patience=HANDED_OVER)
    assert _is_printed(label), f"The depot has printed it, and yet: {label.shown()}."


@behaviour(
    points=3,
    hint="What is left over from the first label when the second one is printed?",
    needs=["test_state_tells_that_it_is_printed"],
)
def test_labels_are_printed_one_after_the_other(visitor: Visitor, worker: App, depot: Partner, redis: Redis) -> None:
    """One worker has several labels printed, each of them once, also two that say the same."""
    for order, told in PRINTED:
        where = visitor.post("/labels", order).follow()
        assert depot.next(HANDED_OVER).json == told, f"For {order} the depot was told {depot.calls[-1].body.decode()}."
        label = visitor.until(where, _is_printed, patience=HANDED_OVER)
        assert _is_printed(label), (
            f"The depot was asked {len(depot.calls)} times, and the last task failed: {label.shown()}."
        )
    # What is taken has begun as soon as nothing waits, and whoever has begun would be on the way to the depot.
    worker.patience.until(lambda: not _waiting(redis) and not CeleryBroker(redis).taken(), idle=HANDED_OVER)
    worker.patience.until(lambda: not redis.client.ping(), idle=0.02)
    assert len(depot.calls) == len(PRINTED), f"{len(PRINTED)} labels were ordered, {len(depot.calls)} printed."


def _is_printed(reply: Reply) -> bool:
    return reply.status == 200 and isinstance(reply.json, dict) and reply.json.get("state") == "printed"


def _waiting(redis: Redis) -> list[Message]:
    broker = CeleryBroker(redis)
    return [message for queue in broker.queues() for message in broker.waiting(queue)]
