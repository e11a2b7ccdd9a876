"""What Celery keeps in Redis, read as it lies there: messages that wait, and messages that were handed out.

The layout is that of kombu's Redis transport: a list for each queue (one more for each priority), the hash ``unacked``
of what a worker has taken and not acknowledged, and the sorted set ``unacked_index`` of when it was taken.
"""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grader.world.redis import Redis

PRIORITY_MARK = b"\x06\x16"
BINDING = b"_kombu.binding."
UNACKED, UNACKED_INDEX = "unacked", "unacked_index"


@dataclass(frozen=True)
class Message:
    """One task message.

    id: the task's; task: its name; args, kwargs: as JSON has them; retries: how many there have been; eta: not to be
    run before; expires: not to be run after; redelivered: whether it had been handed out before; raw: all of it, as it
    lies in Redis.
    """

    id: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    retries: int
    eta: datetime | None
    expires: datetime | None
    redelivered: bool
    queue: str
    priority: int
    raw: bytes


class CeleryBroker:
    """What Celery keeps in the world's Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def queues(self) -> list[str]:
        """The queues in which something waits, whatever its priority; lists of the submission's own are none."""
        keys = self._redis.keys()
        bindings: list[Any] = [self._redis.client.smembers(key) for key in keys if key.startswith(BINDING)]
        bound = {one.split(PRIORITY_MARK)[-1] for binding in bindings for one in binding}
        waiting = {key.partition(PRIORITY_MARK)[0] for key in keys}
        return sorted(name.decode(errors="replace") for name in bound & waiting)

    def waiting(self, queue: str = "celery") -> list[Message]:
        """What no worker has taken yet, the next one first, over all priorities."""
        name = queue.encode()
        keys = self._redis.keys()
        keys = [key for key in keys if key == name or key.startswith(name + PRIORITY_MARK)]
        found: list[Message] = []
        for key in sorted(keys, key=_priority):
            raw: Any = self._redis.client.lrange(key, 0, -1)
            found += [_message(one) for one in reversed(raw)]
        return found

    def taken(self) -> list[Message]:
        """What workers have taken and not acknowledged; also what waits in a worker for its time to come."""
        raw: Any = self._redis.client.hvals(UNACKED)
        return [_message(_held(one)) for one in raw]

    def time_out(self) -> None:
        """Let the visibility timeout pass for all that is taken: the next worker that starts puts it back."""
        tags: Any = self._redis.client.zrange(UNACKED_INDEX, 0, -1)
        self._redis.note(f"the visibility timeout passes; messages taken and not acknowledged: {len(tags)}")
        if tags:
            self._redis.client.zadd(UNACKED_INDEX, dict.fromkeys(tags, 0))

    def deliver(self, message: Message, *, now: bool = False) -> None:
        """Put a message into its queue, once more, as at-least-once delivery may.

        now: without the time before which it is not to be run.
        """
        self._redis.note(f"delivers a message of {message.task.rpartition('.')[2]} once more")
        raw = json.loads(message.raw)
        if now:
            raw["headers"]["eta"] = None
        self._redis.client.rpush(message.queue, json.dumps(raw))

    def forget_taken(self) -> None:
        """Forget what workers have taken, as if they had acknowledged it."""
        self._redis.client.delete(UNACKED, UNACKED_INDEX)


def _priority(key: bytes) -> int:
    step = key.partition(PRIORITY_MARK)[2]
    return int(step) if step.isdigit() else 0


def _held(raw: bytes) -> bytes:
    """The message within what a worker has noted of it: itself, its exchange and its routing key."""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return json.dumps(json.loads(raw)[0]).encode()
    return raw


def _message(raw: bytes) -> Message:
    """Raises AssertionError when it is no task message as JSON: which is a mistake of the submission's."""
    try:
        return _parsed(raw)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AssertionError(
            f"There is a message in the queue that is no Celery task as JSON: {raw[:200]!r}"
        ) from error


def _parsed(raw: bytes) -> Message:
    message = json.loads(raw)
    headers, properties = message["headers"], message["properties"]
    args, kwargs, _embed = json.loads(base64.b64decode(message["body"]))
    return Message(
        id=headers["id"],
        task=headers["task"],
        args=args,
        kwargs=kwargs,
        retries=headers.get("retries") or 0,
        eta=_time(headers.get("eta")),
        expires=_time(headers.get("expires")),
        redelivered=bool(headers.get("redelivered") or properties.get("delivery_info", {}).get("redelivered")),
        queue=properties["delivery_info"]["routing_key"],
        priority=properties.get("priority") or 0,
        raw=raw,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
