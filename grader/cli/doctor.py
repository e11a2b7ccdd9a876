"""``grader doctor``: what is there, what is missing, and how to get it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

import typer

from grader import course as courses
from grader.classroom import batch
from grader.cli.screen import Screen
from grader.errors import GraderError
from grader.report.layout import Line, Piece

DISTRIBUTION = "background-work-course"
OLDEST = (3, 11)
REPAIR = "run make clean setup"


def doctor() -> None:
    """Say what is missing, and how to get it.

    Looks at Python, the packages, the course and the stage; exit code 1 when something is missing.
    """
    screen = Screen()
    well = True
    for look in (_python, _system, _packages, _course, _stage):
        for name, found, remedy in _looked(look):
            well = well and not remedy
            screen.show([_line(name, found, remedy)])
    raise typer.Exit(int(not well))


Finding = tuple[str, str, str]
"""What was looked at, what was found, and the remedy: empty when all is well."""


def _looked(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except GraderError as error:
        yield look.__name__.strip("_"), str(error), "see there"
    except Exception as error:  # noqa: BLE001 - a doctor does not fall ill himself
        yield look.__name__.strip("_"), " ".join(f"{type(error).__name__}: {error}".split()), REPAIR


def _line(name: str, found: str, remedy: str) -> Line:
    mark = Piece("✗ ", "failed") if remedy else Piece("✓ ", "passed")
    advice = Piece(f"; {remedy}", "meaning") if remedy and remedy != "see there" else Piece("")
    return (mark, Piece(f"{name:<22}"), Piece(found), advice)


def _python() -> Iterator[Finding]:
    remedy = "" if sys.version_info >= OLDEST else "install Python 3.11 or newer, then run make clean setup"
    yield "Python", platform.python_version(), remedy


def _system() -> Iterator[Finding]:
    system = platform.system()
    remedy = "" if system in ("Linux", "Darwin") else "on Windows work inside WSL2"
    yield "system", f"{system} {platform.machine()}", remedy


def _packages() -> Iterator[Finding]:
    for requirement in metadata.requires(DISTRIBUTION) or []:
        matched = re.match(r"[A-Za-z0-9._-]+", requirement)
        if matched is None or "extra ==" in requirement:
            continue
        try:
            yield matched[0], metadata.version(matched[0]), ""
        except metadata.PackageNotFoundError:
            yield matched[0], "is missing", REPAIR


def _course() -> Iterator[Finding]:
    course = courses.load()
    course.check()
    count = sum(len(courses.behaviours(exercise)) for exercise in course.exercises)
    strays = [path.name for path in course.strays("exercises/*/*.py")]
    note = f"; not graded: {', '.join(strays)}" if strays else ""
    yield "course", f"{len(course.exercises)} exercises, {count} behaviours{note}", ""


def _stage() -> Iterator[Finding]:
    exercise = courses.load().exercises[0]
    (report,) = batch.in_order(batch.graded([batch.Work(exercise, exercise.solution)]))
    told = report.problem or next((result.message for result in report.behaviours if result.message), "")
    remedy = "" if report.solved else f"the solution of {exercise.id} does not pass: {told}"
    yield "stage", f"graded {exercise.name} in {report.duration:.0f} ms", remedy
