"""What a Redis server has to forget between two worlds, whoever started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis


def disconnect(client: redis.Redis) -> None:
    """Cut every connection but this client's."""
    client.client_kill_filter(_type="normal", skipme=True)
    client.client_kill_filter(_type="pubsub", skipme=True)


def wipe(client: redis.Redis) -> None:
    """Forget all data, scripts, functions and clients, so that the next world finds it as new."""
    disconnect(client)
    client.flushall()
    client.script_flush()
    client.function_flush()
