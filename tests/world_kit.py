"""A world without a submission: its loop, its clock, its patience, for tests with clients of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from grader.stage import Patience
from grader.world import Loop, Timeline

PATIENT = 30.0
"""Seconds of patience with what must come: only a failing test waits so long."""
HASTY = 0.01
"""Seconds of patience with what cannot come any more."""


class Closable(Protocol):
    """A part of the world."""

    def close(self) -> None:
        """Stop listening."""


Part = TypeVar("Part", bound=Closable)
T = TypeVar("T")


class Unhurried(Patience):
    """With nothing to sample, every moment counts as idle: so what a part waits for by itself is given much longer."""

    def until(self, outcome: Callable[[], T | None], *, idle: float, moved: Callable[[], int] = lambda: 0) -> T | None:
        return super().until(outcome, idle=idle if idle <= HASTY else PATIENT, moved=moved)


@dataclass(frozen=True)
class Kit:
    """What every part of the world is made with."""

    loop: Loop
    timeline: Timeline
    patience: Patience

    @property
    def told(self) -> list[str]:
        """The timeline's texts."""
        return [seen.text for seen in self.timeline.events]


@contextmanager
def kit() -> Iterator[Kit]:
    """A world in which nobody but the test does anything: there is no submission whose idleness could be sampled."""
    with Loop() as loop:
        patience = Unhurried(list, loop.tick)
        yield Kit(loop, Timeline(lambda _seen: patience.wake()), patience)


@contextmanager
def open_part(part: Part) -> Iterator[Part]:
    """A part of the world, closed again at the end."""
    try:
        yield part
    finally:
        part.close()
