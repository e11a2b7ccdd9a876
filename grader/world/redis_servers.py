"""The Redis servers of the worlds: one for each, kept warm between them, or one that the user has named."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Protocol, Self

from grader.world.redis_foreign import ForeignServer
from grader.world.redis_server import OwnServer

if TYPE_CHECKING:
    import redis

FOREIGN = "GRADER_REDIS_URL"
"""The environment variable that names a server to be used instead of the grader's own: processes of a batch see it."""
WAIT_SECONDS = 0.2
"""How often one who waits for the only server looks whether that one was ended, and has to be replaced."""


class Server(Protocol):
    """What a world needs of a Redis server, whoever started it."""

    port: int
    client: redis.Redis

    def go_down(self) -> None:
        """Cut every connection and refuse new ones; the data stays."""
        ...

    def fall_silent(self) -> None:
        """Go on accepting connections, and answer nobody."""
        ...

    def come_back(self) -> None:
        """Serve again, with the data from before."""
        ...

    def wipe(self) -> None:
        """Forget all data, scripts, functions and clients."""
        ...

    def stop(self) -> None:
        """Leave nothing."""
        ...


class Servers:
    """Servers that are up: a world borrows one for itself, and gives it back wiped.

    url: one server that is used instead, by one world after the other; it must hold no data.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url or os.environ.get(FOREIGN, "")
        self._free: queue.LifoQueue[Server] = queue.LifoQueue()
        self._all: list[Server] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @property
    def single(self) -> bool:
        """Whether worlds have to wait for each other."""
        return bool(self._url)

    def borrow(self) -> Server:
        """A wiped server that nobody else has.

        Raises StageError when none comes up, or when the one that was named holds data or does not answer.
        """
        while True:
            try:
                return self._free.get(self.single and bool(self._all), WAIT_SECONDS)
            except queue.Empty:
                if server := self._another():
                    return server

    def give_back(self, server: Server) -> None:
        """Wipe a server and keep it for the next world; one that does not answer is ended."""
        from redis import RedisError

        try:
            server.wipe()
        except RedisError:
            server.stop()
            with self._lock:
                self._all.remove(server)
            return
        self._free.put(server)

    def stop(self) -> None:
        """End all."""
        with self._lock:
            for server in self._all:
                server.stop()
            self._all.clear()
        self._free = queue.LifoQueue()

    def _another(self) -> Server | None:
        """One more server; None when there is but one, and somebody has it."""
        with self._lock:
            if self._url and self._all:
                return None
            server: Server = ForeignServer(self._url) if self._url else OwnServer()
            self._all.append(server)
        return server
