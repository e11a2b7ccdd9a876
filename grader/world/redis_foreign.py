"""A Redis server that the user has named, behind a relay, so that it can seem to be away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from grader.errors import StageError
from grader.world import redis_wiping as wiping
from grader.world.loop import Loop
from grader.world.relay import Relay

if TYPE_CHECKING:
    import redis

USUAL_PORT = 6379


class ForeignServer:
    """A server at ``redis://HOST[:PORT]`` that holds no data; it is emptied after each world.

    Raises StageError when it does not answer, holds data, or the URL is of another kind.
    """

    def __init__(self, url: str) -> None:
        host, port = _address(url)
        from redis import Redis, RedisError

        self.client: redis.Redis = Redis(host, port, socket_timeout=10)
        try:
            keyspace: Any = self.client.info("keyspace")
        except RedisError as error:
            raise StageError(f"No Redis answers at {url} ({error}): start one, or leave --redis out.") from None
        if keyspace:
            raise StageError(
                f"The Redis at {url} holds data, and the grader empties the one it uses: name another one."
            )
        self._loop = Loop()
        self._loop.__enter__()
        self._relay = Relay(self._loop, host, port)
        self.port = self._relay.port

    def go_down(self) -> None:
        """Cut every connection and refuse new ones; the data stays."""
        self._relay.refuse()
        wiping.disconnect(self.client)

    def fall_silent(self) -> None:
        """Go on accepting connections, and answer nobody."""
        self._relay.hold()

    def come_back(self) -> None:
        """Serve again, with the data from before."""
        self._relay.resume()

    def wipe(self) -> None:
        """Forget all data, scripts, functions and clients, so that the next world finds it as new."""
        self.come_back()
        wiping.wipe(self.client)

    def stop(self) -> None:
        """Empty it and let it be."""
        from redis import RedisError

        self._relay.close()
        self._loop.__exit__()
        try:
            self.client.flushall()
        except RedisError:
            pass  # it has gone, and its data with it
        finally:
            self.client.close()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port or USUAL_PORT
    except ValueError:
        host, port = None, 0
    if parts.scheme != "redis" or not host or parts.password or parts.path not in ("", "/", "/0"):
        raise StageError(f"{url} cannot be used: name a server without password, as redis://HOST:PORT.")
    return host, port
