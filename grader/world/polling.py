"""Asking again and again, as a client of a status address does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from grader.world.loop import Loop
from grader.world.reply import Reply

PAUSES = (0.002, 0.005, 0.01, 0.02)
"""Seconds between two polls; the last one goes on."""


class Polls:
    """One poll after another, each started when the one before has been answered and a moment has passed."""

    def __init__(self, ask: Callable[[], Future[Reply]], loop: Loop, satisfied: Callable[[Reply], bool]) -> None:
        self._ask = ask
        self._loop = loop
        self._satisfied = satisfied
        self._asked = ask()
        self._pause: Future[None] | None = None
        self.last: Reply | None = None
        self.count = 1

    def satisfied_now(self) -> bool:
        """Whether the newest reply satisfies; asks again when it is time to."""
        if self._pause is not None:
            if self._pause.done():
                self._asked, self._pause = self._ask(), None
                self.count += 1
        elif self._asked.done():
            self.last = self._asked.result()
            if self._satisfied(self.last):
                return True
            seconds = PAUSES[min(self.count, len(PAUSES)) - 1]
            self._pause = self._loop.start(asyncio.sleep(seconds))
        return False
