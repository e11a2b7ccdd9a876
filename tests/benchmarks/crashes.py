"""What is lost, and what is done twice, when something breaks: ``python -m tests.benchmarks.crashes arq``.

The reference solution of the tool's exercise on crashes runs in the world, is broken in one way after another, and gets
a fresh worker each time. What the world has seen in the end is printed as a Markdown table. Nothing here is asserted.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.course import Exercise, load
from grader.run import Grader
from grader.world import Plan, World

TOOLS = ("arq",)
"""The tools whose crashes stand in a module ``crashes_<tool>`` beside this one."""
COUNTED = ("lost", "once", "twice")


@dataclass(frozen=True)
class Crash:
    """One way in which things break.

    name: as the table says it; act: lets it happen, from the first request to the last recovery, and returns how often
    each effect was seen, by the effect's name, and what the service says in the end; settings: for the submission.
    """

    name: str
    act: Callable[[World], Mapping[str, int | str]]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What is broken: an exercise, the parts of the world that it uses, its workers, its ways to break."""

    exercise: str
    parts: tuple[str, ...]
    workers: tuple[tuple[str, ...], ...]
    crashes: Sequence[Crash]


def measured(subject: Subject, exercise: Exercise) -> Iterator[tuple[str, Mapping[str, int | str]]]:
    """Let each crash happen in a world of its own; its name, and what was seen."""
    with Grader() as grader, tempfile.TemporaryDirectory() as folder:
        grader.zygote.wait_until_ready()
        for number, crash in enumerate(subject.crashes):
            home, settings = Path(folder) / str(number), dict(crash.settings)
            plan = Plan(exercise.name, exercise.solution, home, subject.parts, settings, subject.workers)
            world = World(plan, grader.zygote, grader.loop, grader.servers)
            try:
                yield crash.name, crash.act(world)
            finally:
                world.close()


def table(rows: Iterable[tuple[str, Mapping[str, int | str]]]) -> Iterator[str]:
    """The lines of the table, the first two as soon as the first row is there."""
    for number, (name, seen) in enumerate(rows):
        if number == 0:
            yield f"| what happens | {' | '.join(seen)} |"
            yield f"|---|{'---|' * len(seen)}"
        yield f"| {name} | {' | '.join(_told(value) for value in seen.values())} |"


def _told(value: int | str) -> str:
    if isinstance(value, str):
        return value
    return COUNTED[value] if value < len(COUNTED) else f"{value} times"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=TOOLS)
    asked = parser.parse_args()
    subject: Subject = importlib.import_module(f"{__package__}.crashes_{asked.tool}").SUBJECT
    [exercise] = load().find(subject.exercise)
    for line in table(measured(subject, exercise)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
