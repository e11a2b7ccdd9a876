"""What becomes of a Celery task when something dies: a table of crashes, printed as Markdown; nothing is asserted.

``python -m tests.benchmarks.crashes_celery`` runs the solution of m07_celery/survives_the_crash, and that solution with
parts of it taken out, beside a real Redis and a payment provider that counts its charges. An order is lost when it was
never charged, and was charged once or twice else.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.course import load
from grader.run import Grader
from grader.stage import App
from grader.world import Payments, Plan, World
from grader.world.celery_broker import CeleryBroker

EXERCISE = "m07_celery/survives_the_crash"
COMMAND = ("celery", "worker", "--pool=prefork", "--concurrency=1")
KILLS = 5
CERTAIN = 3.0
"""Seconds of idleness after which what the broker still holds is taken to be stuck."""
ACKS_LATE, REJECT = "acks_late=True", "reject_on_worker_lost=True"
KEY = 'headers={"Idempotency-Key": order_id}'
NO_REJECT = {REJECT: "reject_on_worker_lost=False"}
NO_KEY = {KEY: "headers={}"}
VARIANTS: dict[str, dict[str, str]] = {
    "as Celery comes": {ACKS_LATE: "acks_late=False"} | NO_REJECT | NO_KEY,
    "`acks_late`": NO_REJECT | NO_KEY,
    "and `reject_on_worker_lost`": NO_KEY,
    "and an `Idempotency-Key`": {},
}
"""The columns: what is replaced in the solution."""


@dataclass
class Scene:
    """A service and its worker in a world, and one order."""

    world: World
    worker: App
    broker: CeleryBroker
    order: str = ""

    def place(self) -> str:
        """Place an order; its id."""
        identity: str = self.world.visitor.post("/orders", {"amount": 1200}).field("id", str)
        return identity

    def again(self) -> None:
        """Let the visibility timeout pass, and start another worker."""
        self.world.redis.drop_the_dead()
        self.broker.time_out()
        self.worker.restart()

    def outcome(self) -> str:
        """Wait until nothing is left to be done; tell how often the order was charged, and whether that is known."""
        self.world.patience.until(lambda: not self.broker.waiting() and not self.broker.taken(), idle=CERTAIN)
        self.worker.settle(0.2)
        status = self.world.visitor.get(f"/orders/{self.order}").field("status", str)
        count = self.world.payments.charged(self.order)
        if status == "given_up":
            return "given up"
        told = {0: "lost", 1: "once", 2: "twice"}.get(count, f"{count} times")
        return told if (status == "paid") == bool(count) else f"{told}, and not recorded"


def worker_killed_before(scene: Scene) -> None:
    """Kill the worker while it waits at the provider's door."""
    with scene.world.payments.closed() as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.world.payments.drop(times=1)
        scene.worker.kill()
    scene.again()


def worker_killed_behind(scene: Scene) -> None:
    """Kill the worker when the order is charged, and before it learns of it."""
    with scene.world.payments.closed(at="answer") as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.worker.kill()
    scene.again()


def worker_killed_with_a_reserve(scene: Scene) -> None:
    """Kill the worker while the order waits, in Redis or in the worker's reserve."""
    with scene.world.payments.closed() as gate:
        scene.place()
        assert gate.knocked(CERTAIN)
        scene.order = scene.place()
        scene.worker.settle(0.1)
        scene.worker.kill()
    scene.again()


def worker_terminated(scene: Scene) -> None:
    """Tell the worker to stop while it works."""
    with scene.world.payments.closed() as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.worker.terminate()
        scene.worker.settle(0.1)
    scene.worker.exited(CERTAIN)
    scene.again()


def child_killed_before(scene: Scene) -> None:
    """Kill the child while it waits at the provider's door."""
    with scene.world.payments.closed() as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.world.payments.drop(times=1)
        scene.worker.kill_busiest_child()


def child_killed_behind(scene: Scene) -> None:
    """Kill the child when the order is charged, and before it learns of it."""
    with scene.world.payments.closed(at="answer") as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.worker.kill_busiest_child()


def timed_out_at_work(scene: Scene) -> None:
    """Let Redis deliver the message to a second worker while the first one works."""
    with scene.world.payments.closed(at="answer") as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.broker.time_out()
        scene.world.workers.ready(*COMMAND)
        gate.knocked(1.0, times=2)


def every_child_killed(scene: Scene) -> None:
    """Kill the children as they come; nothing that they have asked for is done."""
    payments = scene.world.payments
    with payments.closed():
        scene.order = scene.place()
        for count in range(1, KILLS + 1):
            if not scene.world.patience.until(partial(_called, payments, count), idle=1.0):
                break
            scene.worker.kill_busiest_child()
        payments.drop(times=len(payments.calls))


def redis_away(scene: Scene) -> None:
    """Cut the worker off while it works, then let the visibility timeout pass."""
    with scene.world.payments.closed(at="answer") as gate:
        scene.order = scene.place()
        assert gate.knocked(CERTAIN)
        scene.world.redis.go_down()
        scene.world.redis.come_back()
    scene.worker.settle(0.5)
    scene.again()


CRASHES: dict[str, Callable[[Scene], None]] = {
    "the worker is killed before the charge": worker_killed_before,
    "the worker is killed behind the charge": worker_killed_behind,
    "the worker is killed while the order waits behind another one": worker_killed_with_a_reserve,
    "the worker is told to stop (SIGTERM) before the charge": worker_terminated,
    "the pool's child is killed before the charge": child_killed_before,
    "the pool's child is killed behind the charge": child_killed_behind,
    "every child that takes the order up is killed, five times": every_child_killed,
    "nothing dies, but the visibility timeout passes during the work": timed_out_at_work,
    "Redis is gone during the work, and comes back": redis_away,
}
"""The rows."""


def _called(payments: Payments, times: int) -> bool:
    return len(payments.calls) >= times


def measured(grader: Grader, source: str, crash: Callable[[Scene], None]) -> str:
    """What becomes of an order of this source's in one crash."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name:
        file = Path(name) / "shop.py"
        file.write_text(source, encoding="utf-8")
        plan = Plan("shop", file, Path(name) / "world", ("redis", "payments"))
        world = World(plan, grader.zygote, grader.loop, grader.servers)
        try:
            _ = world.app
            scene = Scene(world, world.workers.ready(*COMMAND), CeleryBroker(world.redis))
            crash(scene)
            return scene.outcome()
        finally:
            world.close()


def variant(source: str, changes: dict[str, str]) -> str:
    """The solution with something replaced. Raises ValueError when it is not there any more."""
    for old, new in changes.items():
        if old not in source:
            raise ValueError(f"{old} stands no longer in the solution of {EXERCISE}")
        source = source.replace(old, new)
    return source


def main() -> None:
    """Print the table, a row as soon as it is known."""
    [exercise] = load().find(EXERCISE)
    solution = exercise.solution.read_text(encoding="utf-8")
    sources = [variant(solution, changes) for changes in VARIANTS.values()]
    print("| " + " | ".join(["", *VARIANTS]) + " |")
    print("|---" * (len(VARIANTS) + 1) + "|")
    with Grader() as grader:
        for name, crash in CRASHES.items():
            cells = [measured(grader, source, crash) for source in sources]
            print("| " + " | ".join([name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
