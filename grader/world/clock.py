"""The clock on the wall, as the submission's processes see it."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from grader.stage.launch import Setting
from grader.world.timeline import Timeline


class Clock:
    """What the submission's processes take for the present, and where on earth they are.

    It is the real one until it is set, and goes on from there at the usual pace. Processes that run keep the clock with
    which they were started; monotonic time, by which an event loop sleeps, is never changed.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._ahead: float | None = None
        self._zone = ""

    def set(self, local: str, zone: str = "UTC") -> None:
        """Set it for the processes that are started from now on.

        local: what the clock shows, in ISO 8601; with an offset where the hour exists twice. zone: an IANA name,
        which the processes also find in TZ.
        """
        shown = datetime.fromisoformat(local)
        instant = shown if shown.tzinfo else shown.replace(tzinfo=ZoneInfo(zone))
        self._ahead = instant.timestamp() - time.time()
        self._zone = zone
        self._timeline.record("clock", f"shows {instant.astimezone(ZoneInfo(zone)):%A %Y-%m-%d %H:%M:%S%z} in {zone}")

    def setting(self) -> Setting | None:
        """How it is set now; None while it is the real one."""
        return None if self._ahead is None else Setting(time.time() + self._ahead, self._zone)
