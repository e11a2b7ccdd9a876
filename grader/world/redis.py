"""The Redis of the world, as a spec sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.world.listening import LOOPBACK
from grader.world.redis_servers import Servers
from grader.world.timeline import Timeline

if TYPE_CHECKING:
    import redis


class Redis:
    """What a spec sees of the server that the submission uses. Everything in it is bytes and stays bytes."""

    def __init__(self, servers: Servers, timeline: Timeline) -> None:
        self._servers = servers
        self._server = servers.borrow()
        self._timeline = timeline

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told."""
        return {"REDIS_URL": self.url}

    def close(self) -> None:
        """Give the server back."""
        self._servers.give_back(self._server)

    @property
    def url(self) -> str:
        """Where the submission finds it."""
        return f"redis://{LOOPBACK}:{self._server.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A client of the spec's own; it decodes nothing."""
        return self._server.client

    def keys(self) -> list[bytes]:
        """All keys, sorted."""
        found: Any = self.client.keys("*")
        return sorted(found)

    def age(self, seconds: float) -> None:
        """Let time pass for all that expires: whatever has less left to live is gone when this returns."""
        self._timeline.record("redis", f"{seconds:g} s pass for everything that expires")
        for key in self.keys():
            left: Any = self.client.pttl(key)
            if left >= 0 and left <= seconds * 1000:
                self.client.delete(key)
            elif left >= 0:
                self.client.pexpire(key, int(left - seconds * 1000))

    def longest_left(self) -> float | None:
        """Seconds until the last of the keys that expire is gone; None when one of them never expires."""
        left: list[Any] = [self.client.pttl(key) for key in self.keys()]
        return None if any(one < 0 for one in left) else max(left, default=0) / 1000
