"""``grader list``: the exercises with their behaviours and points, or the behaviours of some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from grader import course as courses
from grader.cli.screen import Screen
from grader.course import Course, Exercise
from grader.report.layout import EMPTY, Line, Piece, paragraph, with_right


def show_list(
    exercise: Annotated[
        str | None,
        typer.Argument(
            metavar="EXERCISE", help="An exercise, a module or all: list the behaviours.", show_default=False
        ),
    ] = None,
) -> None:
    """List the exercises and their points.

    With a name: the sentences of the behaviours.
    """
    course = courses.load()
    if exercise is None:
        course.check()
        lines = _table(course)
    else:
        lines = _details(course.find(exercise), Screen().width)
    Screen().show(lines)


def _table(course: Course) -> Iterator[Line]:
    column = max(len(exercise.id) for exercise in course.exercises)
    yield (Piece(f"{'exercise':<{column}}  {'behaviours':>10}  {'points':>6}", "quiet"),)
    behaviours = points = 0
    for exercise in course.exercises:
        found = courses.behaviours(exercise)
        worth = sum(behaviour.points for behaviour in found)
        behaviours, points = behaviours + len(found), points + worth
        yield (Piece(f"{exercise.id:<{column}}  {len(found):>10}  {worth:>6}"),)
    total = f"{len(course.exercises)} exercises"
    yield (Piece(f"{total:<{column}}  {behaviours:>10}  {points:>6}", "heading"),)


def _details(exercises: Sequence[Exercise], width: int) -> Iterator[Line]:
    for number, exercise in enumerate(exercises):
        if number:
            yield EMPTY
        yield (Piece(exercise.id, "heading"), Piece(f"  {exercise.title}"))
        for behaviour in courses.behaviours(exercise):
            points = Piece(str(behaviour.points), "quiet")
            sentence = paragraph(behaviour.sentence, width - 4, first=(Piece("  "),))
            yield from with_right(sentence, points, width)
