"""The pipe on which a submission's process says how far it got.

The submission could write to it as well: what stands there explains, it never decides a verdict.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

MOST_BYTES = 1024 * 1024
MOST_EVENTS = 1000
"""A flood is cut off: every wait looks through all events."""


class StatusPipe:
    """Reads lines of JSON, each an event; what is no event is left out."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self.events: list[dict[str, Any]] = []
        self._rest = b""
        self._total = 0
        self._lock = threading.Lock()
        self.open = True

    def read(self) -> None:
        """Take in what is there, without waiting."""
        with self._lock:
            while self.open:
                try:
                    chunk = os.read(self.descriptor, 65536)
                except BlockingIOError:
                    return
                self._total += len(chunk)
                if not chunk:
                    self._close()
                    return
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                self.events += [event for line in lines if (event := _parse(line)) is not None]
                if self._total > MOST_BYTES or len(self.events) > MOST_EVENTS:
                    self._close()

    def find(self, kind: str) -> dict[str, Any] | None:
        """The first event of a kind."""
        return next((event for event in self.events if event["event"] == kind), None)

    def count(self, kind: str) -> int:
        """How many events of a kind there were."""
        return sum(event["event"] == kind for event in self.events)

    def close(self) -> None:
        """Give the descriptor back; what was read stays."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self.open:
            self.open = False
            os.close(self.descriptor)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
