"""Stands in for the grader where no stage is wanted: the submission's first line says what becomes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from grader.course import Exercise, SpecBehaviour, behaviours
from grader.report.verdict import BehaviourResult, Report, Submission, Verdict

OPENED = "FAKE_GRADERS_OPENED"
"""Names a folder in which every fake grader leaves a file while it is open."""


class FakeGrader:
    """Judges by a word in the submission: ``solved``, ``broken``, ``error``, ``dies``, ``bug``; otherwise all fails."""

    def grade(
        self,
        exercise: Exercise,
        submission: Path,
        *,
        only: Sequence[str] = (),
        on_result: Callable[[BehaviourResult], None] | None = None,
    ) -> Report:
        del on_result
        text = submission.read_text(encoding="utf-8") if submission.exists() else "broken"
        if "dies" in text:
            os._exit(1)
        if "bug" in text:
            raise RuntimeError("[bold]markup[/bold] in an error")
        wanted = [behaviour for behaviour in behaviours(exercise) if not only or behaviour.name in only]
        return Report(
            grader_version="0.1.0",
            exercise=exercise.id,
            title=exercise.title,
            submission=Submission(path=str(submission), digest=sha256(text.encode()).hexdigest()),
            problem="Your file has no app." if "broken" in text else "",
            behaviours=tuple(_judged(behaviour, text) for behaviour in wanted),
            duration=5,
        )


def _judged(behaviour: SpecBehaviour, text: str) -> BehaviourResult:
    words = {"solved": Verdict.PASSED, "broken": Verdict.BLOCKED, "error": Verdict.ERROR}
    verdict = next((verdict for word, verdict in words.items() if word in text), Verdict.FAILED)
    return BehaviourResult(
        name=behaviour.name,
        sentence=behaviour.sentence,
        verdict=verdict,
        points=behaviour.points,
        earned=behaviour.points if verdict is Verdict.PASSED else 0,
        message="" if verdict is Verdict.PASSED else "It [red]did not[/red] happen.",
        hint=behaviour.hint,
        lesson=behaviour.lesson,
        output="\x1b[31mnoise\x1b[0m\n" if "noise" in text else "",
    )


@contextmanager
def open_fake(modules: Sequence[str] | None = None) -> Iterator[FakeGrader]:
    """A fake grader; while it is open there is a file for it in the folder named by ``OPENED``."""
    del modules
    folder = os.environ.get(OPENED)
    mark = Path(folder) / str(os.getpid()) if folder else None
    if mark:
        mark.touch()
    try:
        yield FakeGrader()
    finally:
        if mark:
            mark.unlink()
        sys.stdout.flush()
