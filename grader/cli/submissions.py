"""Which file is graded for which exercise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.classroom.batch import Work
from grader.cli.faults import UsageError
from grader.course import Exercise, behaviours


def work_for(exercises: Sequence[Exercise], submission: Path | None, *, solutions: bool, only: str) -> list[Work]:
    """What is to be graded, in the order of the exercises.

    submission: a file for one exercise, or a folder that mirrors ``exercises/`` or holds files with the
    exercises' names; None for the student's own files, or the solutions. only: part of one behaviour's
    name or sentence. Raises UsageError when these do not fit together.
    """
    if submission is not None and solutions:
        raise UsageError("--submission and --solutions exclude each other; leave one of them out.")
    if only and len(exercises) != 1:
        raise UsageError("--only picks a behaviour of one exercise; name that exercise.")
    names = (the_behaviour(exercises[0], only),) if only else ()
    return [Work(exercise, shown(path), names) for exercise, path in _files(exercises, submission, solutions=solutions)]


def _files(exercises: Sequence[Exercise], submission: Path | None, *, solutions: bool) -> list[tuple[Exercise, Path]]:
    if submission is None:
        return [(exercise, exercise.solution if solutions else exercise.starter) for exercise in exercises]
    if not submission.is_dir():
        return [_single(exercises, submission)]
    files = [(exercise, _inside(submission, exercise)) for exercise in exercises]
    if not any(path.exists() for _, path in files):
        places = f"{exercises[0].id}.py nor {exercises[0].name}.py"
        raise UsageError(f"{submission} is a folder, and holds neither {places}; name another folder or one file.")
    return files


def _single(exercises: Sequence[Exercise], submission: Path) -> tuple[Exercise, Path]:
    if len(exercises) != 1:
        raise UsageError(f"{submission} is one file, but {len(exercises)} exercises were named; name one exercise.")
    if not (submission.exists() or submission.is_symlink()):
        raise UsageError(f"There is no file {submission}; mend the path after --submission.")
    return exercises[0], submission


def _inside(folder: Path, exercise: Exercise) -> Path:
    places = (folder / f"{exercise.id}.py", folder / "exercises" / f"{exercise.id}.py", folder / f"{exercise.name}.py")
    return next((place for place in places if place.exists() or place.is_symlink()), places[0])


def the_behaviour(exercise: Exercise, wanted: str) -> str:
    """The name of the one behaviour meant by its name, or by a part of its name or sentence."""
    found = behaviours(exercise)
    part = wanted.strip().casefold()
    exact = [one.name for one in found if part in (one.name, one.name.removeprefix("test_"))]
    matches = exact or [one.name for one in found if part in one.name or part in one.sentence.casefold()]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(matches or [one.name for one in found])
    trouble = "could be several" if matches else "is no behaviour of this exercise"
    raise UsageError(f'--only "{wanted}" {trouble}: {names}.')


def shown(path: Path) -> Path:
    """The path as a person would name it: relative when it lies below the current folder."""
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
