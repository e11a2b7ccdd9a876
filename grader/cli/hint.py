"""``grader hint``: the hint for the next behaviour, and the place to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from grader import course as courses
from grader.cli import progress as store
from grader.cli.faults import UsageError
from grader.cli.screen import Screen
from grader.course import Exercise, SpecBehaviour
from grader.report.layout import EMPTY, Line, Piece, paragraph
from grader.report.terminal import MARKS
from grader.report.verdict import Verdict


def hint(
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="An exercise.", show_default=False)],
    every: Annotated[bool, typer.Option("--all", help="The hints for all behaviours that do not hold yet.")] = False,
) -> None:
    """Tell the next hint, and where to read.

    It is the one for the first behaviour that does not hold yet.
    """
    course = courses.load()
    found = course.find(exercise)
    if len(found) != 1:
        raise UsageError(f'"{exercise}" is a module; name one of its exercises.')
    progress, _ = store.load(course.root)
    screen = Screen()
    screen.show(hint_lines(found[0], progress, screen.width, every=every))


def hint_lines(exercise: Exercise, progress: store.Progress, width: int, *, every: bool) -> Iterator[Line]:
    """The hints that help now; the hints of a solved exercise are all told, for those who guessed."""
    behaviours = courses.behaviours(exercise)
    record = progress.exercises.get(exercise.id)
    verdicts = record.verdicts if record else {}
    waiting = [one for one in behaviours if verdicts.get(one.name) is not Verdict.PASSED]
    yield (Piece(exercise.id, "heading"), Piece(f"  {exercise.title}"))
    yield from paragraph(_status(record, waiting, behaviours), width, style="quiet")
    told = (waiting if every else waiting[:1]) or behaviours
    for behaviour in told:
        yield EMPTY
        mark = "·" if behaviour.name not in verdicts else MARKS[verdicts[behaviour.name]]
        yield from paragraph(behaviour.sentence, width, first=(Piece(f"{mark} "),))
        yield from paragraph(behaviour.hint, width, first=(Piece("  "), Piece("Hint  ", "word")))
    yield (Piece("  "), Piece("Read  ", "word"), Piece(told[-1].lesson))
    if waiting and len(told) < len(waiting):
        yield (Piece(f"  {len(waiting) - len(told)} more wait: grader hint {exercise.name} --all", "quiet"),)


def _status(record: store.Record | None, waiting: Sequence[SpecBehaviour], behaviours: Sequence[SpecBehaviour]) -> str:
    if record is None:
        return "Not checked yet; this is where to begin."
    if not waiting:
        return "Solved. These were the hints:"
    return f"At the last check {len(behaviours) - len(waiting)} of {len(behaviours)} behaviours held."
