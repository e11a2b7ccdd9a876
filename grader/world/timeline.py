"""All that the world saw in one behaviour, in order, on one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_EVENTS = 1000
"""More are counted but not kept: a submission that floods the world must not fill the grader's memory."""
LONGEST = 1000
"""Characters of one event."""


@dataclass(frozen=True)
class Seen:
    """One event: milliseconds since the timeline began, the part of the world that saw it, what it saw."""

    at: float
    part: str
    text: str


class Timeline:
    """A list of events that every part of the world writes to, from any thread.

    notice: called with each event, in the thread that recorded it.
    """

    def __init__(self, notice: Callable[[Seen], None] = lambda _seen: None) -> None:
        self._began = time.monotonic()
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._notice = notice
        self._ended = False
        self.left_out = 0

    def now(self) -> float:
        """Milliseconds since the timeline began."""
        return (time.monotonic() - self._began) * 1000

    def restart_clock(self) -> None:
        """Begin again at zero: what follows is the behaviour itself."""
        with self._lock:
            self._began = time.monotonic()
            self._seen.clear()
            self._ended = False
            self.left_out = 0

    def end(self) -> None:
        """Keep nothing that comes from now on: the behaviour is judged, and what follows is only the tidying up."""
        with self._lock:
            self._ended = True

    def record(self, part: str, text: str) -> None:
        """Add an event that happens now."""
        with self._lock:
            seen = Seen(self.now(), part, _fit(text))
            if not self._ended:
                self._keep(seen)
        self._notice(seen)

    def _keep(self, seen: Seen) -> None:
        if len(self._seen) < MOST_EVENTS:
            self._seen.append(seen)
        else:
            self.left_out += 1

    @property
    def events(self) -> list[Seen]:
        """What has been kept, in order."""
        with self._lock:
            return list(self._seen)


def _fit(text: str) -> str:
    """Cut what is too long, and replace halves of characters: they can stand in no file."""
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"
    return cut.encode("utf-8", "replace").decode()
