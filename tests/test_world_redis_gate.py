"""A Redis server that is held: what changes data waits in order, and the spec decides when it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import redis as redis_py

from grader.stage import Patience
from grader.world.loop import Loop
from grader.world.redis import Redis
from grader.world.redis_servers import Servers
from grader.world.timeline import Timeline


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Servers() as servers, Loop() as loop:
        part = Redis(servers, Timeline(), Patience(list), loop)
        yield part
        part.close()


@pytest.fixture
def client(redis: Redis) -> Iterator[redis_py.Redis]:
    with redis_py.Redis.from_url(redis.url) as client:
        yield client


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def take(client: redis_py.Redis, owner: str, seconds: int = 30) -> Any:
    return client.set("lock", owner, nx=True, ex=seconds)


def test_changes_wait_and_reads_do_not(redis: Redis, client: redis_py.Redis, elsewhere: ThreadPoolExecutor) -> None:
    with redis.held() as gate:
        taken = elsewhere.submit(take, client, "a")
        assert gate.knocked()
        assert client.get("lock") is None
        assert not taken.done()
    assert taken.result() is True


def test_nobody_knocks(redis: Redis) -> None:
    with redis.held() as gate:
        assert not gate.knocked(patience=0.02)


def test_what_waits_is_done_in_order_of_arrival(
    redis: Redis, client: redis_py.Redis, elsewhere: ThreadPoolExecutor
) -> None:
    with redis.held() as gate:
        taken: list[Future[Any]] = []
        for number in range(4):
            taken.append(elsewhere.submit(take, client, f"{number}"))
            assert gate.knocked(number + 1)
    assert [future.result() for future in taken] == [True, None, None, None]


def test_time_takes_its_place_in_the_row(redis: Redis, client: redis_py.Redis, elsewhere: ThreadPoolExecutor) -> None:
    take(client, "a")
    with redis.held() as gate:
        redis.age(31)
        assert client.get("lock") == b"a"
        taken = elsewhere.submit(take, client, "b")
        assert gate.knocked()
    assert taken.result() is True
    assert client.get("lock") == b"b"


def test_what_stands_there_is_let_through_and_nothing_else(
    redis: Redis, client: redis_py.Redis, elsewhere: ThreadPoolExecutor
) -> None:
    def take_in_two_steps() -> None:
        client.setnx("lock", "a")
        client.expire("lock", 30)

    with redis.held() as gate:
        taking = elsewhere.submit(take_in_two_steps)
        assert gate.knocked()
        gate.let_through()
        assert gate.knocked()
        assert client.get("lock") == b"a"
        assert redis.longest_left() is None
        assert redis.keys() == [b"lock"]
    taking.result()
    assert redis.longest_left() == pytest.approx(30, abs=5)


def test_what_is_put_ahead_comes_before_whoever_has_seen_what_was_done_now(
    redis: Redis, client: redis_py.Redis, elsewhere: ThreadPoolExecutor
) -> None:
    take(client, "a")
    with redis.held() as gate:
        gate.put_ahead([("DEL", "lock")], [("SET", "lock", "b")])
        assert client.get("lock") is None
        assert gate.waiting == 0
        taken = elsewhere.submit(take, client, "c")
        assert gate.knocked()
        assert client.get("lock") is None
    assert taken.result() is None
    assert client.get("lock") == b"b"


def test_a_server_is_given_back_open(redis: Redis, client: redis_py.Redis) -> None:
    redis.held().close()
    redis.close()
    assert client.set("anything", "goes")


def test_one_answer_is_kept_back_and_what_was_asked_is_done(redis: Redis, elsewhere: ThreadPoolExecutor) -> None:
    with redis.line() as line, redis_py.Redis.from_url(redis.url) as far:
        assert far.ping()
        with line.kept() as gate:
            taken = elsewhere.submit(take, far, "a")
            assert gate.knocked()
            assert redis.client.get("lock") == b"a"
            assert not taken.done()
        assert taken.result() is True
        assert far.get("lock") == b"a"


def test_only_who_came_meanwhile_is_on_the_line(redis: Redis) -> None:
    before = redis.url
    with redis.line():
        assert redis.url != before
    assert redis.url == before
