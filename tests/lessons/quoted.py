"""What lessons quote: lines of the course's own files, and the grader's words on a wrong submission."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

from grader.course import Course, Exercise
from grader.report.terminal import feedback
from grader.report.verdict import Report, Verdict
from grader.run import Grader

Grade = Callable[[Path, int], Report]
"""Grades a file that belongs to an exercise, anew for each turn; raises LookupError when it belongs to none."""


def grades(course: Course, grader: Callable[[], Grader]) -> Grade:
    """A way to grade the course's own files, once a turn; grader is asked for when the first one is."""

    @cache
    def grade(submission: Path, turn: int) -> Report:  # noqa: ARG001 - a turn is there to be told from the others
        return grader().grade(exercise_of(course, submission), submission)

    return grade


def exercise_of(course: Course, submission: Path) -> Exercise:
    """The exercise to which a starter, solution, mutant or alternative belongs; LookupError when there is none."""
    for exercise in course.exercises:
        if submission in (exercise.starter, exercise.solution, *exercise.mutants, *exercise.alternatives):
            return exercise
    raise LookupError(f"{submission} is no starter, solution, mutant or alternative of an exercise")


def verdict(root: Path, note: str, grade: Grade, turn: int = 0, *, timeline: bool = True) -> str:
    """The feedback that ``FILE TEST`` names, 80 columns wide; LookupError when there is no such thing.

    timeline: whether to show what happened; where chance decides which of it the grader still sees, a lesson does not.
    """
    name, _, test = note.partition(" ")
    report = grade(root / name, turn)
    for result in report.behaviours:
        if result.name == test.strip():
            if report.problem:
                raise LookupError(f"{name} never ran: {report.problem}")
            if result.verdict is Verdict.ERROR:
                raise LookupError(f"the grader failed on {name}: {result.message}")
            return feedback(result if timeline else result.model_copy(update={"timeline": ()}))
    raise LookupError(f"{report.exercise} has no behaviour {test!r}")


def missing(excerpt: str, source: str) -> str:
    """The first line of an excerpt that is not in its source, whose common indent may be cut off; else empty."""
    wanted = textwrap.dedent(excerpt).strip("\n").split("\n")
    lines = source.split("\n")
    reached = max(range(len(lines)), key=lambda start: _matching(wanted, lines[start:]), default=0)
    count = _matching(wanted, lines[reached:])
    return "" if count == len(wanted) else wanted[count]


def _matching(wanted: list[str], lines: list[str]) -> int:
    """How many lines match from the beginning, at whatever indent the first one has."""
    first = lines[0]
    indent = first[: len(first) - len(first.lstrip())]
    cut = indent[: max(0, len(indent) - (len(wanted[0]) - len(wanted[0].lstrip())))]
    for number, line in enumerate(wanted):
        if number >= len(lines) or (cut + line if line else "") != lines[number].rstrip():
            return number
    return len(wanted)
