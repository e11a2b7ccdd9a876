"""The line between one instance and Redis: an answer that is late on it, for as long as a spec needs it to be."""

from __future__ import annotations

from grader.stage import Patience
from grader.world.gate import Gate
from grader.world.listening import LOOPBACK
from grader.world.loop import Loop
from grader.world.relay import Relay
from grader.world.timeline import Timeline


class Line:
    """Carries bytes to the server on that port and back; it reads none of them."""

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience, server: int) -> None:
        self._timeline = timeline
        self._gate = Gate(loop, timeline, patience)
        self._catches = False
        self._relay = Relay(loop, LOOPBACK, server, self._before_answer)
        self.port = self._relay.port

    def kept(self) -> Gate:
        """Keep back (``with``) the next answer, and no other: what was asked is done, and who asked does not know."""
        self._catches = True
        return self._gate.close()

    def close(self) -> None:
        """Carry nothing any more."""
        self._gate.open()
        self._relay.close()

    async def _before_answer(self) -> None:
        if self._catches:
            self._catches = False
            self._timeline.record("redis", "has done what it was asked; the answer is long on its way")
            await self._gate.passage()
