"""The same verdicts on another Redis: Debian's, as a user's own server that ``--redis`` names."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.course import load
from grader.errors import StageError
from grader.run import Grader
from grader.world.listening import LOOPBACK, listen_on_loopback
from grader.world.redis_foreign import ForeignServer
from grader.world.redis_servers import FOREIGN
from tests.proof import Case, cases, proven

COURSE = load()
PROVEN = ("solution", "mutant")
ON_REDIS = [exercise for exercise in COURSE.exercises if ": Redis" in exercise.spec.read_text(encoding="utf-8")]
CASES = [case for exercise in ON_REDIS for case in cases(exercise) if case.kind in PROVEN]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that Debian's package runs, holding nothing."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed, and CI has to have it")
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with listen_on_loopback() as probe:
        port: int = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", LOOPBACK, "--save", "", "--dir", str(folder), "--loglevel", "warning"]
    with subprocess.Popen([binary, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            yield _answering(f"redis://{LOOPBACK}:{port}")
        finally:
            server.kill()


def _answering(url: str) -> str:
    from redis import Redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    with Redis.from_url(url, retry=Retry(ConstantBackoff(0.05), 400)) as client:
        client.ping()
    return url


@pytest.fixture(scope="module")
def grader(url: str) -> Iterator[Grader]:
    """A grader whose worlds use that server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOREIGN, url)
        with Grader() as grader:
            yield grader


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_file_is_graded_as_declared(case: Case, grader: Grader) -> None:
    assert proven(case, grader.grade) == ""


def test_a_server_that_holds_data_is_left_alone(url: str, grader: Grader) -> None:
    del grader  # nothing of it is under way
    from redis import Redis

    with Redis.from_url(url) as client:
        client.set("precious", "1")
        with pytest.raises(StageError, match="holds data"):
            ForeignServer(url)
        assert client.get("precious") == b"1"
        client.delete("precious")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://127.0.0.1:1", "No Redis answers at redis://127.0.0.1:1"),
        ("rediss://127.0.0.1", "name a server without password, as redis://HOST:PORT"),
        ("redis://:secret@127.0.0.1", "name a server without password"),
        ("127.0.0.1:6379", "cannot be used"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused_in_one_line(url: str, told: str) -> None:
    with pytest.raises(StageError, match=told):
        ForeignServer(url)


def test_a_foreign_server_seems_to_be_away(url: str) -> None:
    import socket

    server = ForeignServer(url)
    try:
        server.client.set("a", 1)
        server.go_down()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, server.port))
        server.come_back()
        server.fall_silent()
        with socket.create_connection((LOOPBACK, server.port)) as client:
            client.sendall(b"GET a\r\n")
            client.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.recv(20)
            server.come_back()
            client.settimeout(30)
            assert client.recv(20) == b"$1\r\n1\r\n"
    finally:
        server.stop()


def test_the_repository_has_something_to_prove() -> None:
    assert {Path(case.path).parent.parent.name for case in CASES if case.kind == "mutant"} >= {"m10_idempotency"}
