"""What ARQ keeps in Redis, read as it lies there.

That is a sorted set of job ids by the millisecond at which they are due, and a key each for a job, for the lease of
the worker that runs it, for its tries and for its result.
"""

from __future__ import annotations

import time
from typing import Any

from grader.world.redis import Redis

QUEUE = "arq:queue"
JOB, LEASE, RETRY, RESULT = "arq:job:", "arq:in-progress:", "arq:retry:", "arq:result:"


class ArqQueue:
    """What ARQ keeps in the world's Redis; name: the key of its sorted set."""

    def __init__(self, redis: Redis, name: str = QUEUE) -> None:
        self._redis = redis
        self._name = name

    def due(self) -> dict[str, float]:
        """Seconds from now until each job that is in the queue is due (below zero: since when); running ones too."""
        found: Any = self._redis.client.zrange(self._name, 0, -1, withscores=True)
        now = time.time()
        return {job.decode(errors="replace"): score / 1000 - now for job, score in found}

    def make_due(self, job: str) -> None:
        """Let the time come for a job that waits for it."""
        self._redis.client.zadd(self._name, {job: int(time.time() * 1000)}, xx=True)

    def leased(self) -> list[str]:
        """The jobs that a worker has taken up; one that was killed seems to hold its own for a long time."""
        return self._ids(LEASE)

    def time_out(self) -> None:
        """Let the leases end, as they do ten seconds after the job's timeout: a job may then be taken once more."""
        self._redis.note("the leases of the killed worker's jobs end")
        for job in self.leased():
            self._redis.client.delete(LEASE + job)

    def results(self) -> list[str]:
        """The jobs whose results are kept."""
        return self._ids(RESULT)

    def result_left(self, job: str) -> float | None:
        """Seconds until the result is forgotten; None when there is none, or it is kept for ever."""
        left: Any = self._redis.client.pttl(RESULT + job)
        return left / 1000 if left >= 0 else None

    def _ids(self, prefix: str) -> list[str]:
        keys = self._redis.keys()
        return [key.decode(errors="replace").removeprefix(prefix) for key in keys if key.startswith(prefix.encode())]
