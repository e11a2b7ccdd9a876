"""One submission against the spec of one exercise: a file in, a report out."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from grader.errors import CourseError, GraderError, UnreadableSubmission
from grader.report.verdict import BehaviourResult, Report, Submission, Verdict
from grader.spec import SpecBehaviour, behaviours
from grader.stage import Source, Zygote
from grader.world.loop import Loop

if TYPE_CHECKING:
    from grader.course import Exercise
    from grader.judge import Judge

VERSION = version("background-work-course")

PRELOADABLE: dict[bytes, tuple[str, ...]] = {
    b"sqlalchemy": ("sqlalchemy.ext.asyncio", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite.aiosqlite", "aiosqlite"),
    b"aiosqlite": ("aiosqlite",),
    b"aiosmtplib": ("aiosmtplib",),
    b"smtplib": ("smtplib",),
    b"EmailMessage": ("email.message", "email.policy"),
    b"EmailStr": ("email_validator",),
    b"httpx": ("httpx", "httpcore", "certifi", "anyio._backends._asyncio", "anyio.streams.tls"),
    b"sse": ("fastapi.sse",),
}
"""What the zygote imports ahead when a submission mentions a word. Reading the text decides about speed only."""

PYTEST = (
    "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler", "-p", "no:doctest", "-p", "no:junitxml",
    "-p", "no:unittest", "-p", "no:nose", "-p", "no:pastebin", "-p", "no:setuponly", "-p", "no:setupplan",
    "-p", "no:stepwise", "-p", "no:logging", "-p", "no:capture", "-p", "no:warnings", "-p", "no:debugging",
    "-p", "no:recwarn", "-p", "no:monkeypatch", "-p", "no:tmpdir", "-p", "no:legacypath", "-p", "no:threadexception",
    "-p", "no:unraisableexception",
    "--noconftest", "--import-mode=importlib",
)  # fmt: skip


def modules_for(sources: Iterable[bytes]) -> list[str]:
    """The modules that a zygote should import ahead for these submissions."""
    text = b"\n".join(sources)
    return list(dict.fromkeys(module for word, names in PRELOADABLE.items() if word in text for module in names))


def all_modules() -> list[str]:
    """The modules for a zygote that will see every exercise."""
    return modules_for(PRELOADABLE)


class Grader:
    """Grades submissions, one after another, on one warm zygote. A context manager; entering execs the zygote at once.

    modules: what the zygote imports ahead; all that exercises use, unless fewer will do.
    """

    def __init__(self, modules: Sequence[str] | None = None) -> None:
        self._modules = all_modules() if modules is None else list(modules)
        self._numbers = itertools.count(1)
        self._zygote: Zygote | None = None
        self._loop = Loop()

    def __enter__(self) -> Self:
        self._zygote = Zygote(self._modules)
        self._loop.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._zygote is not None:
            self._zygote.close()
        self._loop.__exit__()

    @property
    def zygote(self) -> Zygote:
        """The zygote; a lost one is replaced, so that one submission cannot end the run."""
        if self._zygote is None or self._zygote.lost:
            if self._zygote is not None:
                self._zygote.close()
            self._zygote = Zygote(self._modules)
        return self._zygote

    @property
    def loop(self) -> Loop:
        """The world's event loop."""
        return self._loop

    def grade(
        self,
        exercise: Exercise,
        submission: Path,
        *,
        only: Sequence[str] = (),
        on_result: Callable[[BehaviourResult], None] | None = None,
    ) -> Report:
        """Judge one file against the spec of one exercise.

        only: names of behaviours, when not all are wanted; on_result: called with each result as it comes.
        A file that cannot be read is a report too, with every behaviour blocked. Raises CourseError for a
        broken spec, and StageError when no process could be started.
        """
        began = time.monotonic()
        said = behaviours(exercise)
        wanted = [behaviour for behaviour in said if not only or behaviour.name in only]
        try:
            source = Source.read(submission)
        except UnreadableSubmission as error:
            return _unreadable(exercise, submission, wanted, str(error), on_result)
        judge = self._judge(exercise, source, said, only, on_result or (lambda _result: None))
        return Report(
            grader_version=VERSION,
            exercise=exercise.id,
            title=exercise.title,
            submission=Submission(path=str(submission), digest=source.digest),
            problem=judge.problem,
            behaviours=tuple(judge.results.get(behaviour.name) or _never_judged(behaviour) for behaviour in wanted),
            duration=(time.monotonic() - began) * 1000,
        )

    def _judge(
        self,
        exercise: Exercise,
        source: Source,
        said: Sequence[SpecBehaviour],
        only: Sequence[str],
        on_result: Callable[[BehaviourResult], None],
    ) -> Judge:
        from grader.judge import Judge
        from grader.stand import Stand

        zygote = self.zygote
        folder = zygote.root / f"run{next(self._numbers)}"
        stand = Stand(source, exercise.name, zygote, self._loop, folder)
        judge = Judge(stand, said, only, on_result)
        try:
            _run_pytest(exercise, judge)
        finally:
            with contextlib.suppress(GraderError):  # a lost stage has been told of as an error already
                stand.close()
            shutil.rmtree(folder, ignore_errors=True)
        return judge


def _run_pytest(exercise: Exercise, judge: Judge) -> None:
    """Run the spec in this process, shielded from the configuration and plugins of wherever it is started."""
    import pytest

    shielded = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in shielded}
    os.environ.update(shielded)
    configuration = Path(__file__).with_name("specs") / "pytest.ini"
    arguments = [*PYTEST, "-c", str(configuration), f"--rootdir={configuration.parent}", str(exercise.spec)]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = pytest.main(arguments, plugins=[judge])
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise CourseError(f"{exercise.spec} could not be run: {' '.join(said.getvalue().split())[-500:]}")


def _unreadable(
    exercise: Exercise,
    submission: Path,
    wanted: Sequence[SpecBehaviour],
    problem: str,
    on_result: Callable[[BehaviourResult], None] | None,
) -> Report:
    results = tuple(_result(behaviour, Verdict.BLOCKED, problem) for behaviour in wanted)
    for result in results:
        if on_result:
            on_result(result)
    return Report(
        grader_version=VERSION,
        exercise=exercise.id,
        title=exercise.title,
        submission=Submission(path=str(submission), digest=""),
        problem=problem,
        behaviours=results,
    )


def _never_judged(behaviour: SpecBehaviour) -> BehaviourResult:
    return _result(behaviour, Verdict.ERROR, "The grader itself failed: the behaviour was never judged.")


def _result(behaviour: SpecBehaviour, verdict: Verdict, message: str) -> BehaviourResult:
    return BehaviourResult(
        name=behaviour.name,
        sentence=behaviour.sentence,
        verdict=verdict,
        points=behaviour.points,
        earned=0,
        message=message,
        hint=behaviour.hint,
        lesson=behaviour.lesson,
    )
