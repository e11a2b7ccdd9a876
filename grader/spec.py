"""What a spec says: its behaviours in definition order, checked where they are read."""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.behaviour import ATTRIBUTE, Behaviour
from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.course import Exercise

ANCHOR = "#the-smallest-change"
HEADING = "## The smallest change"


@dataclass(frozen=True)
class SpecBehaviour:
    """One test of a spec.

    name: the test's; sentence: what the student reads; points, hint, needs, settings: the marker's;
    lesson: path and anchor of the place to read, relative to the course's folder.
    """

    name: str
    sentence: str
    points: int
    hint: str
    needs: tuple[str, ...]
    settings: dict[str, str]
    lesson: str


def behaviours(exercise: Exercise) -> list[SpecBehaviour]:
    """The behaviours of an exercise in definition order.

    Raises CourseError, naming the file and the remedy, when the spec cannot be imported, holds no
    test, or holds one without sentence, points or hint, or with a need that is no earlier test.
    """
    module = load(exercise)
    where = exercise.spec.relative_to(exercise.root)
    tests = [(name, test) for name, test in vars(module).items() if name.startswith("test_") and callable(test)]
    if not tests:
        raise CourseError(f"{where} holds no behaviour: write a function test_... and mark it with @behaviour.")
    found: list[SpecBehaviour] = []
    for name, test in tests:
        marker = getattr(test, ATTRIBUTE, None)
        if not isinstance(marker, Behaviour):
            raise CourseError(f"{where}: {name} is not marked; put @behaviour(points=..., hint=...) above it.")
        sentence = " ".join(inspect.cleandoc(test.__doc__ or "").partition("\n\n")[0].split())
        _check(f"{where}: {name}", sentence, marker, [earlier.name for earlier in found])
        found.append(
            SpecBehaviour(name, sentence, marker.points, marker.hint, marker.needs, marker.settings, _place(exercise))
        )
    return found


def tries(exercise: Exercise) -> tuple[str, ...]:
    """The requests that the spec suggests for trying the service by hand: "METHOD PATH [JSON]" each."""
    return tuple(str(line) for line in getattr(load(exercise), "TRY", ()))


def _check(what: str, sentence: str, marker: Behaviour, earlier: Sequence[str]) -> None:
    if not sentence:
        raise CourseError(f"{what} has no docstring; write the sentence that the student reads.")
    if not isinstance(marker.points, int) or marker.points < 1:
        raise CourseError(f"{what} is worth {marker.points!r} points; give it a whole number from 1.")
    if not isinstance(marker.hint, str) or not marker.hint.strip():
        raise CourseError(f"{what} has no hint; write one that gives no code away.")
    for need in marker.needs:
        if need not in earlier:
            raise CourseError(f'{what} needs "{need}", which is no earlier test here; mend the name or the order.')


def _place(exercise: Exercise) -> str:
    lesson = exercise.lesson.relative_to(exercise.root).as_posix()
    try:
        headings = exercise.lesson.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return lesson
    return lesson + ANCHOR if HEADING in headings else lesson


def load(exercise: Exercise) -> ModuleType:
    """The spec as a module. Raises CourseError, naming the file and the line, when it cannot be imported."""
    path, where = exercise.spec, exercise.spec.relative_to(exercise.root)
    found = importlib.util.spec_from_file_location(f"specs.{exercise.module}.{exercise.name}", path)
    if found is None or found.loader is None or not path.is_file():
        raise CourseError(f"{where} is missing: write the spec of {exercise.id}.")
    module = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    except SyntaxError as error:
        raise CourseError(f"{where}, line {error.lineno}: {error.msg}; mend the spec.") from error
    except Exception as error:
        raise CourseError(f"{where}, line {_line(error, path)}: {_told(error)}; mend the spec.") from error
    return module


def _line(error: BaseException, path: Path) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (lines and lines[-1]) or 1


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
