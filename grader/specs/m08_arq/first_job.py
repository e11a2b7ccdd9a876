"""Labels are printed by a worker, once for each order, from a queue that is the service's own."""

from typing import Any

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Visitor, World
from grader.world.arq_queue import JOB, ArqQueue
from grader.world.redis import Redis

PARTNERS = ("depot",)
WORKERS = (("arq",),)
TRY = ('POST /labels {"order": "A-17"}',)
A_17 = {"order": "A-17"}
B_18 = {"order": "B-18"}
HANDOVER = 0.5
"""Seconds of idleness: a worker sleeps between two looks into the queue, so the job lies there while all sleep."""
AT_ONCE = 0.02
"""Seconds of idleness: whoever answers without waiting has answered by then."""
MORE = 6
"""Orders that come one after the other."""


@pytest.fixture(autouse=True)
def depot(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """The service that prints; a label is being printed for as long as it keeps somebody waiting."""
    return world.partner("depot")


@behaviour(points=1, hint="Whom does the visitor wait for, and who else could do that?")
def test_nobody_waits_for_the_depot(visitor: Visitor, depot: Partner) -> None:
    """A label is accepted with 202 and an id while the depot answers nobody."""
    with depot.closed():
        reply = visitor.post("/labels", A_17)
        assert reply.arrived, "Your app waited for the depot before it answered the visitor."
    assert reply.status == 202, f"The label was answered with {reply.shown()}."
    assert reply.field("id", str), "The id is empty."


@behaviour(points=3, hint="Under which name does the service put the job where, and who looks there for what?")
def test_worker_prints_the_labels(visitor: Visitor, worker: App, depot: Partner) -> None:
    """Each label that was asked for is printed, with its order's number on it."""
    del worker  # it only has to be up
    orders = ["A-17", "A17", "a-17"]  # all alike to whoever tidies up what people type
    for order in orders:
        visitor.post("/labels", {"order": order})
    for call in depot.expect(len(orders), HANDOVER):
        assert (call.method, call.path) == ("POST", "/labels"), f"The depot was asked for {call.method} {call.path}."
    printed = sorted(call.field("order", str) for call in depot.calls)
    assert printed == orders, f"Labels were asked for {' and '.join(orders)}, and printed for {' and '.join(printed)}."


@behaviour(points=2, hint="In whose memory does the job lie while it waits?")
def test_accepted_label_outlives_the_service(
    visitor: Visitor, world: World, app: App, depot: Partner, redis: Redis
) -> None:
    """A label that was accepted before the service was killed is printed by a worker that starts afterwards."""
    with redis.held():
        call = visitor.start("POST", "/labels", A_17)
        early = call.reply(AT_ONCE)
        assert not early.succeeded, "A label was accepted while Redis had no job for it: killed now, your app loses it."
    reply = call.reply()
    assert reply.succeeded, f"The label was answered with {reply.shown()}."
    app.kill()
    assert not depot.calls, "No worker was there, and the depot was asked all the same: the service did it itself."
    world.workers.ready("arq")  # this one wait cannot be begun ahead: there must be no worker before the kill
    depot.next(HANDOVER)


@behaviour(
    points=3,
    hint="What tells you that two clicks mean one label, and what comes back for the second?",
    needs=["test_worker_prints_the_labels"],
)
def test_asked_again_while_it_is_printed(
    visitor: Visitor, world: World, worker: App, depot: Partner, redis: Redis
) -> None:
    """Whoever asks again for a label that is being printed gets the same id, and no second label is printed."""
    del worker  # it only has to be up
    with depot.closed() as gate:
        first = visitor.post("/labels", A_17)
        assert gate.knocked(HANDOVER), "The depot was not asked for the label."
        again = visitor.post("/labels", A_17)
        assert again.succeeded, f"While its label was printed, the order came again and was answered {again.shown()}."
        same = again.field("id", str) == first.field("id", str)
        assert same, f"One order was given two ids: {first.text} and {again.text}."
        _print_another(visitor, world, depot)
    printed = _labels_in_the_end(world, depot, redis)
    assert printed == 1, f"The order was sent twice, and {printed} labels were printed for it."


@behaviour(
    points=2,
    hint="Both look before either has written anything. Who sees to it that one of them comes second?",
    needs=["test_asked_again_while_it_is_printed"],
)
def test_asked_twice_at_the_same_moment(
    visitor: Visitor, world: World, worker: App, depot: Partner, redis: Redis
) -> None:
    """Two instances that are asked for one label at the very same moment give the same id, and one label is printed."""
    del worker
    other = world.instance()
    with depot.closed():
        with redis.held() as row:  # whoever looks sees no such job, and nobody has written one yet
            calls = [one.start("POST", "/labels", A_17) for one in (visitor, other.visitor)]
            row.knocked(len(calls))
        replies = [call.reply() for call in calls]
        for reply in replies:
            assert reply.succeeded, f"Of two requests at the same moment one was answered {reply.shown()}."
        ids = {reply.field("id", str) for reply in replies}
        assert len(ids) == 1, f"Two requests at the same moment got two ids: {' and '.join(sorted(ids))}."
        _print_another(visitor, world, depot)
    printed = _labels_in_the_end(world, depot, redis)
    assert printed == 1, f"Two requests for one label came at the same moment, and {printed} labels were printed."


@behaviour(
    points=3,
    hint="Three places may name a queue: the pool, the job, the worker. Do they call it the same, and by which option?",
    needs=["test_worker_prints_the_labels"],
)
def test_other_services_queue_is_left_alone(visitor: Visitor, worker: App, depot: Partner, redis: Redis) -> None:
    """The jobs that another service has in arq:queue stay there alone, and no worker of ours takes one."""
    del worker
    redis.client.set(f"{JOB}theirs", "as their serializer wrote it")
    default = ArqQueue(redis)
    with depot.closed() as gate:
        redis.client.zadd("arq:queue", {"theirs": 1})  # due for years, so whoever reads this queue takes it first
        visitor.post("/labels", A_17)
        assert gate.knocked(HANDOVER), "The depot was not asked for the label."
        jobs = default.due()
        left_alone = "theirs" in jobs and "theirs" not in default.leased()
        assert left_alone, "Your worker took a job of the other service."
        assert len(jobs) == 1, (
            "While it was printed, your job lay in arq:queue, where the other service's worker looks."
        )


@behaviour(points=2, hint="How often is a connection made: for each visitor, or for all of them?")
def test_visitors_share_connections(visitor: Visitor, redis: Redis) -> None:
    """Visitors who come one after the other do not each cost a new connection to Redis."""
    visitor.post("/labels", {"order": "B-0"})
    before = _connections_made(redis)
    for number in range(MORE):
        reply = visitor.post("/labels", {"order": f"B-{number + 1}"})
        assert reply.succeeded, f"An order was answered with {reply.shown()}."
    made = _connections_made(redis) - before
    assert made < MORE, (
        f"{MORE} orders came one after the other, and {made} new connections to Redis were made for them."
    )


def _print_another(visitor: Visitor, world: World, depot: Partner) -> None:
    """Ask for another order's label and wait until it is being printed: what was queued before has begun as well."""
    visitor.post("/labels", B_18)
    world.patience.until(lambda: any(call.json == B_18 for call in depot.calls), idle=HANDOVER)


def _labels_in_the_end(world: World, depot: Partner, redis: Redis) -> int:
    """How many labels A-17 got, once nothing is queued: ARQ takes a job off its queue when it has ended."""
    keys = redis.keys
    world.patience.until(lambda: not any(_is_queue(redis, key) for key in keys()), idle=HANDOVER)
    return sum(call.json == A_17 for call in depot.calls)


def _is_queue(redis: Redis, key: bytes) -> bool:
    return bool(redis.client.type(key) == b"zset")


def _connections_made(redis: Redis) -> int:
    told: Any = redis.client.info("stats")
    return int(told["total_connections_received"])
