"""``grader`` alone: the map of the course, how far the student is, and the next step."""

from __future__ import annotations

from collections.abc import Iterator

from grader import course as courses
from grader.cli import progress as store
from grader.cli.screen import Screen
from grader.course import Course, Exercise, Module
from grader.report.layout import EMPTY, Line, Piece


def show_map() -> None:
    """Print the map."""
    course = courses.load()
    course.check()
    progress, notice = store.load(course.root)
    screen = Screen()
    if notice:
        screen.say(notice, "blocked")
    screen.show(map_lines(course, progress))


def map_lines(course: Course, progress: store.Progress) -> Iterator[Line]:
    """All modules and exercises with what is known of each, then the next step."""
    for module in course.modules:
        yield from _module(module, progress)
        yield EMPTY
    yield from next_step(course, progress)


def next_exercise(course: Course, progress: store.Progress) -> Exercise | None:
    """The first exercise that is not solved; None when all are."""
    return next((exercise for exercise in course.exercises if not progress.solved(exercise)), None)


def next_step(course: Course, progress: store.Progress) -> Iterator[Line]:
    """What to read, edit and run next."""
    exercise = next_exercise(course, progress)
    if exercise is None:
        yield (Piece("All exercises are solved. ", "passed"), Piece("grader hint EXERCISE still tells every hint."))
        return
    yield (Piece("Next  ", "word"), Piece(exercise.title, "heading"))
    yield (Piece("Read  ", "word"), Piece(str(exercise.lesson.relative_to(course.root))))
    yield (Piece("Edit  ", "word"), Piece(str(exercise.starter.relative_to(course.root))))
    yield (Piece("Run   ", "word"), Piece(f"grader check {exercise.name}"))


def _module(module: Module, progress: store.Progress) -> Iterator[Line]:
    solved = sum(progress.solved(exercise) for exercise in module.exercises)
    yield (Piece(module.title, "heading"), Piece(f"  {module.name}, {solved} of {len(module.exercises)}", "quiet"))
    for exercise in module.exercises:
        yield _exercise(exercise, progress)


def _exercise(exercise: Exercise, progress: store.Progress) -> Line:
    record = progress.exercises.get(exercise.id)
    if record is None:
        mark, state, style = "·", "", "quiet"
    else:
        mark, style = ("✓", "passed") if record.solved else ("✗", "failed")
        changed = ", changed since" if progress.changed(exercise) else ""
        state = f"{record.earned} / {record.points}{changed}"
    return (Piece(f"  {mark} ", style), Piece(f"{exercise.name:<20}  {exercise.title:<26}  "), Piece(state, style))
