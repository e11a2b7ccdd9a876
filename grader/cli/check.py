"""``grader check``: grade, show, export, remember."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader import course as courses
from grader.classroom import batch
from grader.cli import own_redis
from grader.cli import progress as store
from grader.cli.course_map import next_exercise
from grader.cli.faults import UsageError, code_of
from grader.cli.submissions import work_for
from grader.course import Course, Exercise
from grader.errors import UnknownExercise
from grader.report.verdict import Report

STDOUT = Path("-")


def check(  # noqa: PLR0913, PLR0917 - one for each option
    exercise: Annotated[
        str | None,
        typer.Argument(
            metavar="EXERCISE",
            help="An exercise, a module or all; by default the next one to solve.",
            show_default=False,
        ),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Grade this file, or the files in this folder.", show_default=False)
    ] = None,
    solutions: Annotated[bool, typer.Option("--solutions", help="Grade the reference solutions.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="[FILE]", help="Write JSON; without FILE, print nothing else.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one self-contained page.")] = None,
    only: Annotated[str, typer.Option(metavar="BEHAVIOUR", help="Part of a behaviour's name or sentence.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many to grade at a time.")] = 1,
    show_output: Annotated[bool, typer.Option("--show-output", help="Show what the submission printed.")] = False,
    redis: own_redis.RedisOption = "",
) -> None:
    """Grade a file by what it does.

    Exit code: 0 full marks, 1 less, 2 usage, 3 the grader's own fault.
    """
    own_redis.use(redis, jobs)
    course = courses.load()
    if exercise is None and json is not None and _is_name(course, str(json)):
        exercise, json = str(json), STDOUT  # grader check --json EXERCISE
    exercises = _chosen(course, exercise, submission, solutions=solutions)
    for one in exercises:
        one.check()
    work = work_for(exercises, submission, solutions=solutions, only=only)
    own = submission is None and not solutions and not only
    reports = _grade(work, jobs, show=json != STDOUT)
    _export(reports, json, html, several=len(exercises) > 1)
    _conclude(course, reports, show=json != STDOUT, show_output=show_output, own=own)
    raise typer.Exit(code_of(reports))


def _is_name(course: Course, text: str) -> bool:
    if text == "-" or "." in text:
        return False
    try:
        return bool(course.find(text))
    except UnknownExercise:
        return False


def _chosen(course: Course, name: str | None, submission: Path | None, *, solutions: bool) -> list[Exercise]:
    if name == "all" or (name is None and (solutions or (submission is not None and submission.is_dir()))):
        course.check()
        return course.find("all")
    if name is not None:
        return course.find(name)
    if submission is not None:
        raise UsageError("Name the exercise against which the file is to be graded: grader check EXERCISE ...")
    progress, _ = store.load(course.root)
    following = next_exercise(course, progress)
    return course.find(following.id if following else "all")


def _grade(work: Sequence[batch.Work], jobs: int, *, show: bool) -> list[Report]:
    from grader.cli.ticking import ticking

    with ticking(len(work), show=show) as tick:
        return batch.in_order(batch.graded(work, jobs), tick)


def _export(reports: Sequence[Report], json: Path | None, html: Path | None, *, several: bool) -> None:
    if json is not None:
        from grader.report.document import to_json

        document = to_json(reports, several=several, grader_version=reports[0].grader_version)
        if json == STDOUT:
            sys.stdout.write(document)
        else:
            _write(json, document)
    if html is not None:
        from grader.report.html import page

        _write(html, page(reports))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; name another file.") from None


def _conclude(course: Course, reports: Sequence[Report], *, show: bool, show_output: bool, own: bool) -> None:
    progress, notice = store.load(course.root)
    if own:
        for report in reports:
            progress.record(report)
        notice = _saved(course, progress) or notice
    if show:
        from grader.cli.showing import show_reports

        show_reports(course, reports, progress if own else None, notice if own else "", show_output=show_output)


def _saved(course: Course, progress: store.Progress) -> str:
    try:
        store.save(course.root, progress)
    except OSError as error:
        return f"Your progress could not be saved: {error.strerror}."
    return ""
