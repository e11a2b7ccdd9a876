"""Holds one part of the world still until the spec opens it: what other test suites use a sleep for."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from grader.stage import Patience
from grader.world.loop import Loop
from grader.world.timeline import Timeline

KNOCK_PATIENCE = 0.15


class Gate:
    """A gate before one part of the world; open unless it was closed.

    Use ``with part.closed() as gate:`` from a spec; parts call ``await gate.passage()`` on the world's loop.
    """

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience) -> None:
        self._loop = loop
        self._timeline = timeline
        self._patience = patience
        self._open = asyncio.Event()
        self._open.set()
        self._waiting = 0
        self._let = 0

    def close(self, let: int = 0) -> Self:
        """Let nobody through from now on.

        let: how many are let through all the same, those who come first.
        """
        self._loop.wait(self._close(let))
        return self

    def open(self) -> None:
        """Let everybody through who waits, and all who come."""
        self._loop.wait(self._set_open())

    def knocked(self, patience: float = KNOCK_PATIENCE, times: int = 1) -> bool:
        """Wait until so many stand before the gate at once; False when they do not come.

        patience: seconds of the submission's idleness.
        """
        return bool(self._patience.until(lambda: self._waiting >= times, idle=patience))

    @property
    def waiting(self) -> int:
        """How many stand before the gate now."""
        return self._waiting

    async def passage(self) -> None:
        """Wait, on the world's loop, until the gate is open."""
        if self._let:
            self._let -= 1
            return
        if self._open.is_set():
            if self._waiting:  # who has been woken goes with the loop's next turn, and whoever comes now is behind
                await asyncio.sleep(0)
            return
        self._waiting += 1
        self._patience.wake()
        try:
            await self._open.wait()
        finally:
            self._waiting -= 1

    @property
    def shut(self) -> bool:
        """Whether somebody who came now would have to wait."""
        return not self._open.is_set() and not self._let

    def __enter__(self) -> Self:
        return self.close() if self._open.is_set() else self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._timeline.end()
        self.open()

    async def _close(self, let: int) -> None:
        self._let = let
        self._open.clear()

    async def _set_open(self) -> None:
        self._let = 0
        self._open.set()
