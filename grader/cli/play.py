"""``grader play``: the submission served in the foreground, with the world around it."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader import course as courses
from grader.cli import own_redis
from grader.cli.faults import UsageError
from grader.cli.screen import Screen
from grader.cli.submissions import shown
from grader.course import Exercise
from grader.errors import CourseError
from grader.report import clean
from grader.report.layout import EMPTY, Line, Piece, paragraph
from grader.report.verdict import Event

SUGGESTION = re.compile(r"([A-Z]+) +(/\S*)((?: +[A-Za-z-]+:\S+)*)(?: +([\[{].*))?")


def play(
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="An exercise.", show_default=False)],
    solution: Annotated[bool, typer.Option("--solution", help="Serve the reference solution.")] = False,
    submission: Annotated[Path | None, typer.Option(help="Serve this file.", show_default=False)] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve; 0 takes any free port.")] = 8000,
    redis: own_redis.RedisOption = "",
) -> None:
    """Serve a file with the world around it.

    Prints what the world sees, until Ctrl-C.
    """
    own_redis.use(redis)
    course = courses.load()
    found = course.find(exercise)
    if len(found) != 1:
        raise UsageError(f'"{exercise}" is a module; name one of its exercises.')
    if solution and submission is not None:
        raise UsageError("--submission and --solution exclude each other; leave one of them out.")
    path = submission or (found[0].solution if solution else found[0].starter)
    _serve(found[0], shown(path), port)


def _serve(exercise: Exercise, path: Path, port: int) -> None:
    from grader import playground

    screen = Screen()

    def on_event(event: Event) -> None:
        screen.show(event_lines(event, screen.width))

    with playground.play(exercise, path, port, on_event) as url:
        screen.show(banner(exercise, path, url, courses.tries(exercise)))
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            screen.show([EMPTY])
    screen.say("Stopped; nothing is left running.")


def banner(exercise: Exercise, path: Path, url: str, tries: Sequence[str]) -> Iterator[Line]:
    """What is served, and the commands to try it."""
    yield (Piece(exercise.id, "heading"), Piece(f"  {exercise.title}"))
    yield (Piece(f"{path} is served at {url}", "quiet"),)
    yield EMPTY
    for one in tries:
        yield (Piece(f"  {curl(one, url)}", "word"),)
    yield EMPTY
    yield (Piece("What the world sees; Ctrl-C ends it.", "quiet"),)


def curl(wanted: str, url: str) -> str:
    """The shell command for a request as specs suggest it: "METHOD PATH [Name:value ...] [JSON]".

    Raises CourseError when the suggestion is not of that form.
    """
    matched = SUGGESTION.fullmatch(wanted.strip())
    if matched is None:
        raise CourseError(f'A spec suggests "{wanted}", which is not of the form METHOD PATH [Name:value ...] [JSON].')
    method, path, headers, body = matched.groups(default="")
    words = ["curl", "-i"]
    if method != ("POST" if body else "GET"):
        words += ["-X", method]
    for header in [*headers.split(), *(["content-type:application/json"] if body else [])]:
        words += ["-H", header.replace(":", ": ", 1)]
    return shlex.join([*words, *(["-d", body] if body else []), f"{url.rstrip('/')}{path}"])


def event_lines(event: Event, width: int) -> Iterator[Line]:
    """One thing that the world saw."""
    first = (Piece(f"{event.at:>9.0f} ms  ", "quiet"), Piece(f"{clean.one_line(event.part):<8}  ", "part"))
    return paragraph(clean.one_line(event.text), width, first=first)
