"""The grader's own Redis server goes with whoever started it, and leaves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.world.redis_server import OwnServer
from tests.leftovers import all_end

STARTER = """
from grader.world.redis_server import OwnServer

server = OwnServer()
print(server._process.pid, server.client.info("server")["process_id"], server._folder.name, flush=True)
input()
"""


def test_a_server_is_gone_when_it_was_stopped() -> None:
    server = OwnServer()
    folder = Path(server._folder.name)
    assert folder.exists()
    server.stop()
    assert not folder.exists()
    assert not server.alive


@pytest.mark.timeout(60)
def test_a_server_is_gone_when_its_starter_was_killed() -> None:
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        guard, server, folder = starter.stdout.readline().split()
        assert Path(folder).exists()
        starter.kill()
        assert all_end([int(guard), int(server)])
    assert not Path(folder).exists()
