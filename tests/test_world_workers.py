"""Real workers on a real broker: how they start, what lies in Redis, what a kill leaves, and a clock that is set."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from grader.course import load
from grader.errors import NotStarted
from grader.run import Grader
from grader.world import Plan, World
from grader.world.arq_queue import ArqQueue
from grader.world.celery_broker import CeleryBroker

SERVICE = """
import asyncio, os
from datetime import datetime
import httpx
from arq import create_pool
from arq.connections import RedisSettings
from celery import Celery
from fastapi import FastAPI

celery_app = Celery("service", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery_app.conf.task_acks_late = True
celery_app.conf.worker_prefetch_multiplier = 1
app = FastAPI()

@celery_app.task(name="print_label")
def print_label(order):
    print("at work on", order, flush=True)
    httpx.get(os.environ["DEPOT_URL"] + "/" + order, timeout=60)

@celery_app.task(name="later", bind=True)
def later(self, order):
    raise self.retry(countdown=100)

@app.get("/now")
async def now():
    return {"now": datetime.now().astimezone().isoformat()}

@app.post("/celery/{order}")
def queue(order: str, late: bool = False):
    return {"id": (later if late else print_label).delay(order).id}

@app.post("/arq/{order}")
async def queue_arq(order: str):
    pool = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]))
    await pool.enqueue_job("job", order, _job_id=order)

async def job(ctx, order):
    async with httpx.AsyncClient(timeout=60) as client:
        await client.get(os.environ["DEPOT_URL"] + "/" + order)

class WorkerSettings:
    functions = [job]
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
"""


CELERY = ("celery", "worker", "--pool=threads", "--concurrency=1")
FAR = 30.0
"""Seconds of idleness: what is waited for must come, and only a failing test waits so long."""


@pytest.fixture
def world(warm_grader: Grader, tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "service.py"
    file.write_text(SERVICE, encoding="utf-8")
    plan = Plan("service", file, tmp_path / "world", ("redis", "depot"))
    world = World(plan, warm_grader.zygote, warm_grader.loop, warm_grader.servers)
    try:
        _ = world.app
        yield world
    finally:
        world.close()


def until(world: World, outcome: Callable[[], object]) -> None:
    assert world.patience.until(lambda: outcome() or None, idle=FAR)


def test_a_message_waits_as_it_lies_in_redis_until_a_worker_takes_it(world: World) -> None:
    broker = CeleryBroker(world.redis)
    task = world.visitor.post("/celery/o-1").field("id", str)
    (message,) = broker.waiting()
    assert (message.id, message.task, message.args, message.retries) == (task, "print_label", ["o-1"], 0)
    world.redis.client.rpush("a list of its own", "no message")
    assert broker.queues() == ["celery"]
    depot = world.partner("depot")
    with depot.closed() as gate:
        world.workers.ready(*CELERY)
        assert gate.knocked(FAR)
        assert not broker.waiting()
        assert [taken.id for taken in broker.taken()] == [task]
    until(world, lambda: not broker.taken())


def test_what_a_killed_worker_had_taken_is_delivered_again_when_its_time_is_out(world: World) -> None:
    broker, depot = CeleryBroker(world.redis), world.partner("depot")
    world.visitor.post("/celery/o-1")
    with depot.closed() as gate:  # before a worker is there: it would be served at once
        worker = world.workers.ready(*CELERY)
        assert gate.knocked(FAR)
        worker.kill()
        world.redis.drop_the_dead()
    assert len(broker.taken()) == 1
    broker.time_out()
    world.workers.ready(*CELERY)
    until(world, lambda: len(depot.calls) == 2 and not broker.taken())


def test_a_retry_tells_when_it_is_due_and_can_be_delivered_at_once(world: World) -> None:
    broker = CeleryBroker(world.redis)
    world.visitor.post("/celery/o-1?late=true")
    worker = world.workers.ready(*CELERY)
    until(world, lambda: any(message.retries == 1 for message in broker.taken()))
    worker.kill()
    world.redis.drop_the_dead()
    (retry,) = broker.taken()
    assert retry.eta is not None
    assert 90 < (retry.eta - datetime.now(UTC)).total_seconds() < 101
    broker.forget_taken()
    broker.deliver(retry, now=True)
    world.workers.ready(*CELERY)
    until(world, lambda: any(message.retries == 2 for message in broker.taken()))


def test_a_worker_of_arq_is_killed_and_its_lease_times_out(world: World) -> None:
    queue, depot = ArqQueue(world.redis), world.partner("depot")
    world.visitor.post("/arq/o-1")
    assert list(queue.due()) == ["o-1"]
    with depot.closed() as gate:  # before a worker is there: it would be served at once
        worker = world.workers.ready("arq")
        assert gate.knocked(FAR)
        assert queue.leased() == ["o-1"]
        worker.kill()
    queue.time_out()
    world.workers.ready("arq")
    until(world, lambda: queue.results() == ["o-1"])
    assert len(depot.calls) == 2
    assert not queue.due()
    assert (queue.result_left("o-1") or 0) > 3500


def test_a_worker_of_arq_that_is_told_to_stop_gives_its_job_back(world: World) -> None:
    queue, depot = ArqQueue(world.redis), world.partner("depot")
    world.visitor.post("/arq/o-1")
    with depot.closed() as gate:  # before a worker is there: it would be served at once
        worker = world.workers.ready("arq")
        for calls in (1, 2, 3):  # it looks into the queue all the time, and must not overhear any of them
            assert gate.knocked(FAR, times=calls)
            worker.terminate()
            assert worker.exited(FAR) == 0
            assert not queue.leased()
            assert list(queue.due()) == ["o-1"]
            worker.restart()
    until(world, lambda: queue.results() == ["o-1"])


@pytest.mark.parametrize("out", ["go_down", "fall_silent"])
def test_a_server_that_was_away_comes_back_with_its_data(world: World, out: str) -> None:
    world.redis.client.set("a", 1)
    getattr(world.redis, out)()
    port = int(world.redis.url.rpartition(":")[2].removesuffix("/0"))
    if out == "go_down":
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    else:
        with socket.create_connection(("127.0.0.1", port), timeout=0.05) as client:
            client.sendall(b"PING\r\n")
            with pytest.raises(TimeoutError):
                client.recv(10)
    world.redis.come_back()
    assert world.redis.client.get("a") == b"1"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(10) == b"+PONG\r\n"


def test_a_process_takes_the_clock_on_the_wall_for_the_present(world: World) -> None:
    world.clock.set("2027-03-28T01:59:30", "Europe/Berlin")
    other = world.instance()
    now = datetime.fromisoformat(other.visitor.get("/now").field("now", str))
    shown = datetime(2027, 3, 28, 1, 59, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert timedelta(0) <= now - shown < timedelta(seconds=FAR)
    assert now.utcoffset() in (timedelta(hours=1), timedelta(hours=2))


def test_a_worker_without_what_it_runs_says_so(warm_grader: Grader, tmp_path: Path) -> None:
    file = tmp_path / "empty.py"
    file.write_text("celery_app = 3\n", encoding="utf-8")
    plan = Plan("empty", file, tmp_path / "world", ())
    world = World(plan, warm_grader.zygote, warm_grader.loop, warm_grader.servers)
    try:
        with pytest.raises(NotStarted, match="`celery_app` in your file is of type int: make it a Celery object"):
            world.workers.ready(*CELERY)
        with pytest.raises(NotStarted, match="There is no `WorkerSettings` in your file"):
            world.workers.ready("arq")
    finally:
        world.close()


def test_a_behaviour_that_is_tried_alone_has_the_world_of_the_whole_exercise(warm_grader: Grader) -> None:
    [exercise] = load().find("crash_and_timeout")  # only some of its behaviours name Redis; all of its workers need it
    assert warm_grader.grade(exercise, exercise.solution, only=["test_stuck_printer_delays_no_other_order"]).solved
