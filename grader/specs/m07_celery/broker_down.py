"""When the broker is away, an order is refused in time, nobody else waits, and nothing has to be started again."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Partner, Visitor, World
from grader.world.celery_broker import CeleryBroker, Message
from grader.world.redis import Redis

PARTNERS = ("kitchen",)
WORKERS = (("celery", "worker", "--pool=threads", "--concurrency=1"),)
SETTINGS = {"PUBLISH_TIMEOUT_SECONDS": "30"}
"""Longer than anybody is patient: where it is not about the limit, no right answer may hang on the machine's speed."""
SOON = {"PUBLISH_TIMEOUT_SECONDS": "0.2"}
IN_TIME = 0.5
"""Seconds of idleness. Who waits for a silent broker does so to the end: 0.2 s, and the rest is generosity."""
LATER = {"PUBLISH_TIMEOUT_SECONDS": "0.5"}
"""Where a broker that refuses is what counts: whoever tries again within the limit may do so."""
IN_LATER_TIME = 0.8
NOTHING_MORE = 0.2
"""Seconds of idleness: as long as Celery sleeps before it tries again, in a thread to which nobody listens any more."""
HANDED_OVER = 0.3
"""Seconds of idleness: a task is under way from one process to another, and both may sleep for a moment."""
ATTEMPTS = 5
TRY = ('POST /orders {"item": "tea"}', "GET /health")
TEA = {"item": "tea"}


@pytest.fixture(autouse=True)
def kitchen(world: World, redis: Redis) -> Partner:  # noqa: ARG001 - there is no queue without Redis
    """Where meals are made."""
    return world.partner("kitchen")


@behaviour(points=2, hint="What of the worker's own connection to Redis is changed by what you have set?")
@pytest.mark.usefixtures("worker")
def test_order_is_carried_out(visitor: Visitor, kitchen: Partner) -> None:
    """While all is well, an order is answered with 202 and an id, and a worker has the kitchen do it."""
    reply = visitor.post("/orders", TEA)
    assert reply.status == 202, f"All is well, and the order was answered with {reply.shown()}."
    call = kitchen.next(HANDED_OVER)
    told = {"order": reply.field("id", str), **TEA}
    assert call.json == told, f"The kitchen was told {call.body.decode()}, instead of {told}."


@behaviour(
    points=3, hint="Which of the two things that Celery wants of Redis is it that goes on trying?", settings=SOON
)
def test_order_is_refused_while_redis_is_down(visitor: Visitor, redis: Redis) -> None:
    """While Redis refuses connections, an order is answered with 503, in time."""
    redis.go_down()
    reply = visitor.start("POST", "/orders", TEA).reply(IN_LATER_TIME)
    assert reply.arrived, "Nobody listened at the broker's port, and the visitor was still waiting for an answer."
    assert reply.status == 503, f"The order was in no queue, and answered with {reply.shown()}."


@behaviour(points=4, hint="Whoever says nothing does not say no. Who ends the conversation, and when?", settings=SOON)
def test_order_is_refused_while_redis_is_silent(visitor: Visitor, redis: Redis) -> None:
    """While Redis accepts connections and says nothing, at all or to the order, it is answered with 503, in time."""
    redis.fall_silent()
    _assert_refused_in_time(visitor)
    redis.come_back()
    with redis.held():
        _assert_refused_in_time(visitor)


@behaviour(
    points=3,
    hint="What does your service remember of the outage, and of the orders that came during it?",
    needs=["test_order_is_refused_while_redis_is_down"],
    settings=LATER,
)
def test_service_recovers_by_itself(visitor: Visitor, app: App, redis: Redis) -> None:
    """When Redis is back, the next order is accepted, and those that were refused are not in the queue."""
    accepted = [visitor.post("/orders", TEA)]
    redis.go_down()
    refused = visitor.start("POST", "/orders", TEA).reply(IN_LATER_TIME)
    assert refused.status == 503, f"Redis had gone down, and an order was answered with {refused.shown()}."
    redis.come_back()
    for _ in range(ATTEMPTS):  # a machine that is very busy may take longer than the limit allows
        accepted.append(visitor.post("/orders", TEA))
        if accepted[-1].succeeded:
            break
    assert accepted[-1].succeeded, f"Redis was back, and the next order was answered with {accepted[-1].shown()}."
    waiting = _waiting(redis)
    expected = sum(reply.succeeded for reply in accepted)
    assert len(waiting) >= expected, f"{expected} orders were accepted, and {len(waiting)} tasks wait in the queue."
    if len(accepted) == 2:  # else an order was refused of which Redis heard after all
        app.patience.until(lambda: len(_waiting(redis)) > expected, idle=NOTHING_MORE)
        waiting = _waiting(redis)
        assert len(waiting) == expected, (
            f"2 orders were accepted, 1 was refused as nobody listened, and {len(waiting)} tasks wait in the queue."
        )


@behaviour(points=3, hint="On which thread does an order wait, and who else needs that one?")
def test_health_is_told_whatever_the_broker_does(visitor: Visitor, redis: Redis) -> None:
    """While an order waits for the broker, and while the broker is silent, the health is told at once."""
    with redis.held() as row:
        order = visitor.start("POST", "/orders", TEA)
        assert row.knocked(), "An order came, and nobody came to Redis."
        health = visitor.get("/health")
        assert health.arrived, "One order waited for the broker, and your service answered nobody else."
        assert health.status == 200, f"The service was up, and its health was {health.shown()}."
    assert order.reply().succeeded, f"The broker was slow, and the order was answered with {order.reply().shown()}."
    redis.fall_silent()
    health = visitor.get("/health")
    assert health.arrived, "The broker was silent, and so was your service about its own health."
    assert health.status == 200, f"The broker was silent, the service was up, and its health was {health.shown()}."


def _assert_refused_in_time(visitor: Visitor) -> None:
    reply = visitor.start("POST", "/orders", TEA).reply(IN_TIME)
    assert reply.arrived, "The broker said nothing, and the visitor was still waiting for an answer."
    assert reply.status == 503, f"Nobody had confirmed the order, and it was answered with {reply.shown()}."


def _waiting(redis: Redis) -> list[Message]:
    broker = CeleryBroker(redis)
    return [message for queue in broker.queues() for message in broker.waiting(queue)]
