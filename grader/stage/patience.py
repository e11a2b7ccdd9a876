"""Waiting that is counted in the submission's idle time.

A deadline on the wall clock forces a choice: a short one fails a right program that was merely starved, a long one
makes every wrong program slow. So only such intervals count in which every thread of the submission sleeps (the
operating system tells) *and* the world has had its turn: then nothing is under way, and waiting on is pointless.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

FIRST_LOOK = 0.02
"""Seconds before the first look: a right submission is mostly done by then, and looking costs it processor time."""
SAMPLE = 0.005
"""Seconds between two looks at the submission."""
MOST_PAUSE = 0.04
"""Seconds between two looks at a submission that is busy."""
MOST_PER_SAMPLE = 2 * SAMPLE
"""Seconds that one look may count: if the grader itself is starved, the time that it missed does not count."""
LAST_GASP = 0.06
"""Seconds of patience with a submission whose processes have all ended."""
LAST_RESORT = 60.0
"""Seconds on the wall clock after which any wait ends."""
MOST_PROCESSES = 64
MOST_PRINTED = 128 * 10**6


@dataclass(frozen=True)
class Vitals:
    """What a process tree is doing: whether it lives, whether all its threads sleep, and what it has cost so far.

    cpu: seconds; processes: how many there are; printed: bytes.
    """

    alive: bool
    asleep: bool
    cpu: float
    processes: int
    printed: int = 0


@dataclass
class Allowance:
    """The CPU seconds that one wait may cost; once they were used up, later waits get less.

    So a submission that computes for ever in every behaviour still ends in bounded time.
    """

    cpu: float = 3.0
    afterwards: float = 0.3

    def exhaust(self) -> None:
        """Be less generous from now on."""
        self.cpu = self.afterwards


class Patience:
    """Waits for outcomes on behalf of everybody who watches the same submission.

    vitals: samples every process of the submission.
    tick: gives the world its turn and returns when it has had it.
    """

    def __init__(
        self,
        vitals: Callable[[], list[Vitals]],
        tick: Callable[[], None] = lambda: None,
        allowance: Allowance | None = None,
    ) -> None:
        self._vitals = vitals
        self._tick = tick
        self._allowance = allowance or Allowance()
        self._changed = threading.Event()
        self.exhausted = ""
        """Why the last wait was cut short, when it was not for idleness."""

    def wake(self) -> None:
        """Have the waiter look again; may be called from any thread."""
        self._changed.set()

    def until(self, outcome: Callable[[], T | None], *, idle: float, moved: Callable[[], int] = lambda: 0) -> T | None:
        """Wait until ``outcome`` returns something true, and return that.

        idle: seconds of the submission's idleness after which None is returned.
        moved: counts what the world has got done meanwhile; whenever it has grown, the idleness is counted anew.
        """
        self.exhausted = ""
        meter, before = _Meter(idle, self._allowance), moved()
        while True:
            self._changed.clear()
            if value := outcome():
                return value
            if self._changed.wait(meter.pause) and meter.fresh:
                continue
            vitals = self._vitals()
            self._tick()
            if value := outcome():
                return value
            if (now := moved()) != before:
                before = now
                meter.begin_again()
            if meter.spent(vitals):
                self.exhausted = meter.verdict
                return None


class _Meter:
    """Adds up what one wait has cost."""

    def __init__(self, idle: float, allowance: Allowance) -> None:
        self._idle = idle
        self._allowance = allowance
        self._counted = 0.0
        self._began = self._last = time.monotonic()
        self._before: tuple[float, int] | None = None
        self.pause = min(FIRST_LOOK, max(SAMPLE, idle / 2))
        """Seconds until the next look."""
        self.verdict = ""

    @property
    def fresh(self) -> bool:
        """Whether the last look is recent enough to skip one."""
        return time.monotonic() - self._last < 10 * SAMPLE

    def begin_again(self) -> None:
        """Forget the idleness that was counted; what was computed and printed stays on the bill."""
        self._counted = 0.0

    def spent(self, vitals: list[Vitals]) -> bool:
        """Add one look; tell whether the wait is over."""
        now = time.monotonic()
        if all(v.asleep for v in vitals):
            self._counted += min(now - self._last, MOST_PER_SAMPLE)
            self.pause = SAMPLE
        else:  # whoever computes, or waits for a processor, is not helped by somebody who looks all the time
            self.pause = min(2 * self.pause, MOST_PAUSE)
        self._last = now
        gone = bool(vitals) and not any(v.alive for v in vitals)
        if self._counted >= (min(self._idle, LAST_GASP) if gone else self._idle):
            return True
        self.verdict = self._excess(vitals, now)
        if self.verdict:
            self._allowance.exhaust()
        return bool(self.verdict)

    def _excess(self, vitals: list[Vitals], now: float) -> str:
        cpu, printed = sum(v.cpu for v in vitals), sum(v.printed for v in vitals)
        if self._before is None:
            self._before = (cpu, printed)
        cpu_before, printed_before = self._before
        if cpu - cpu_before > self._allowance.cpu:
            return f"Your program went on computing for {self._allowance.cpu:g} s of processor time: it was given up."
        if sum(v.processes for v in vitals) > MOST_PROCESSES:
            return f"Your program started more than {MOST_PROCESSES} processes: it was stopped."
        if printed - printed_before > MOST_PRINTED:
            return f"Your program printed {MOST_PRINTED // 10**6} MB and went on: it was given up."
        if now - self._began > LAST_RESORT:
            return f"Nothing had been decided after {LAST_RESORT:g} s: it was given up."
        return ""
