"""The ways in which ARQ's worker, the service or Redis can break while the order of crash_and_timeout is shipped."""

from __future__ import annotations

from collections.abc import Mapping

from grader.stage import App
from grader.world import Reply, World
from tests.benchmarks.crashes import Crash, Subject

TIMEOUT = 15
LEASE = TIMEOUT + 10
LONG = {"JOB_TIMEOUT_SECONDS": str(TIMEOUT)}
SHORT = {"JOB_TIMEOUT_SECONDS": "0.5"}
FAR = 3.0
"""Seconds of idleness: what is waited for comes, unless it was lost."""
MAX_TRIES = 5

Seen = Mapping[str, int | str]


def nothing(world: World) -> Seen:
    """Let all go well."""
    _, order = _begin(world)
    return _end(world, order)


def killed_in_the_label(world: World) -> Seen:
    """Kill the worker before the charge."""
    with world.printer.held() as gate:
        worker, order = _begin(world)
        gate.knocked(FAR)
        worker.kill()
    return _again(world, worker, order)


def killed_in_the_charge(world: World) -> Seen:
    """Kill the worker when the charge is made, and before it learns of it."""
    with world.payments.closed(at="answer") as gate:
        worker, order = _begin(world)
        gate.knocked(FAR)
        worker.kill()
    return _again(world, worker, order)


def killed_each_time(world: World) -> Seen:
    """Kill every worker that takes the job up."""
    with world.printer.held():
        worker, order = _begin(world)
        for tries in range(1, MAX_TRIES + 1):
            world.printer.expect_asked(tries, FAR)
            worker.kill()
            world.redis.age(LEASE)
            worker.restart()
    return _end(world, order)


def stopped_in_the_charge(world: World) -> Seen:
    """Tell the worker to stop while it waits for an answer."""
    with world.payments.closed(at="answer") as gate:
        worker, order = _begin(world)
        gate.knocked(FAR)
        worker.terminate()
        worker.exited(FAR)
    worker.restart()
    return _end(world, order)


def stopped_in_the_label(world: World) -> Seen:
    """Tell the worker to stop while a thread of its waits for the printer."""
    with world.printer.held() as gate:
        worker, order = _begin(world)
        gate.knocked(FAR)
        worker.terminate()
        stayed = worker.exited(FAR) is None
    worker.exited(FAR)
    worker.restart()
    seen = _end(world, order)
    return {**seen, "the order": f"{seen['the order']}{'; the worker stayed until the label was printed' * stayed}"}


def stuck_before_the_charge(world: World) -> Seen:
    """Let the provider keep the job waiting for too long, and do nothing."""
    with world.payments.closed():
        _, order = _begin(world)
        seen = _end(world, order)
        world.payments.drop()
    return seen


def stuck_after_the_charge(world: World) -> Seen:
    """Let the provider charge, and keep the job waiting for too long."""
    with world.payments.closed(at="answer"):
        _, order = _begin(world)
        return _end(world, order)


def service_killed(world: World) -> Seen:
    """Kill the service when it has answered, before there is a worker."""
    order = _placed(world)
    world.app.kill()
    world.workers.ready("arq")
    world.app.restart()
    return _end(world, order)


def redis_away(world: World) -> Seen:
    """Cut Redis off while the job is at work, so that nobody can be told of its end; a worker that ends is replaced."""
    with world.payments.closed(at="answer") as gate:
        worker, order = _begin(world)
        gate.knocked(FAR)
        world.redis.go_down()
    ended = worker.exited(FAR) is not None
    world.redis.come_back()
    seen = _again(world, worker, order) if ended else _end(world, order)
    return {**seen, "the order": f"{seen['the order']}; the worker {'ended, and was replaced' if ended else 'stayed'}"}


def _placed(world: World) -> str:
    world.launch()
    _ = world.app
    order: str = world.visitor.post("/orders", {"amount": 1200}).field("id", str)
    return order


def _begin(world: World) -> tuple[App, str]:
    worker = world.workers.usual[0]
    return worker, _placed(world)


def _again(world: World, worker: App, order: str) -> Seen:
    world.redis.age(LEASE)
    worker.restart()
    return _end(world, order)


def _end(world: World, order: str) -> Seen:
    last = world.visitor.until(f"/orders/{order}", _ended, FAR)
    charges, labels = world.payments.charged(order), world.printer.asked.count(order)
    return {"the charge (has a key)": charges, "the label (has none)": labels, "the order": last.field("state", str)}


def _ended(reply: Reply) -> bool:
    return reply.status == 200 and reply.field("state", str) != "waiting"


SUBJECT = Subject(
    "m08_arq/crash_and_timeout",
    ("payments", "printer", "redis"),
    (("arq",),),
    (
        Crash("nothing", nothing, LONG),
        Crash("kill -9, while the label is printed", killed_in_the_label, LONG),
        Crash("kill -9, when the charge is made and not yet answered", killed_in_the_charge, LONG),
        Crash("kill -9, of each of five workers that take the job up", killed_each_time, LONG),
        Crash("SIGTERM, while the charge is not answered", stopped_in_the_charge, LONG),
        Crash("SIGTERM, while the label is printed", stopped_in_the_label, LONG),
        Crash("timeout, before the charge is made", stuck_before_the_charge, SHORT),
        Crash("timeout, when the charge is made and not yet answered", stuck_after_the_charge, SHORT),
        Crash("kill -9 of the service, right after its 202", service_killed, LONG),
        Crash("Redis is cut off while the charge is not answered, and comes back later", redis_away, LONG),
    ),
)
