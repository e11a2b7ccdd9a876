"""One submission against the spec of one exercise: a file in, a report out."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from grader.errors import GraderError, UnreadableSubmission
from grader.preload import all_modules
from grader.report.verdict import BehaviourResult, Report, Submission, Verdict
from grader.spec import SpecBehaviour, behaviours
from grader.stage import Source, Zygote
from grader.world.loop import Loop
from grader.world.redis_servers import Servers

if TYPE_CHECKING:
    from grader.course import Exercise
    from grader.judge import Judge
    from grader.stand import Need

VERSION = version("background-work-course")
SWITCH_SECONDS = 0.0005
"""How long a thread of the grader may keep the others waiting (Python's default is ten times that): the world has to
answer while a spec computes."""


class Grader:
    """Grades submissions, one after another, on one warm zygote. A context manager; entering execs the zygote at once.

    modules: what the zygote imports ahead; all that exercises use, unless fewer will do.
    """

    def __init__(self, modules: Sequence[str] | None = None) -> None:
        self._modules = all_modules() if modules is None else list(modules)
        self._numbers = itertools.count(1)
        self._zygote: Zygote | None = None
        self._loop = Loop()
        self._servers = Servers()
        self._needs: dict[str, list[Need]] = {}

    def __enter__(self) -> Self:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._zygote = Zygote(self._modules)
        self._loop.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._zygote is not None:
            self._zygote.close()
        self._servers.stop()
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

    @property
    def servers(self) -> Servers:
        """The Redis servers that are up."""
        return self._servers

    def grade(
        self,
        exercise: Exercise,
        submission: Path,
        *,
        only: Sequence[str] = (),
        on_result: Callable[[BehaviourResult], None] | None = None,
    ) -> Report:
        """Judge one file against the spec of one exercise.

        only: names of behaviours, when not all are wanted; on_result: called with each result as it comes, and
        again when the stage is lost and all is tried once more.
        A file that cannot be read is a report too, with every behaviour blocked. Raises CourseError for a
        broken spec, and StageError when no process could be started.
        """
        said = behaviours(exercise)
        wanted = [behaviour for behaviour in said if not only or behaviour.name in only]
        try:
            source = Source.read(submission)
        except UnreadableSubmission as error:
            return _unreadable(exercise, submission, wanted, str(error), on_result)
        importlib.import_module("grader.judge")  # pytest's import takes as long as the zygote's: do them side by side

        self.zygote.wait_until_ready()
        began = time.monotonic()
        judge = self._judge(exercise, source, said, only, on_result or (lambda _result: None))
        if judge.lost:  # once more, on a fresh stage: it may have been the machine, and not the submission
            judge = self._judge(exercise, source, said, only, on_result or (lambda _result: None))
        return Report(
            grader_version=VERSION,
            exercise=exercise.id,
            title=exercise.title,
            submission=Submission(path=str(submission), digest=source.digest),
            problem=judge.problem,
            behaviours=tuple(_judged(behaviour, judge) for behaviour in wanted),
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
        from grader.session import run_spec
        from grader.stand import Stand

        zygote = self.zygote
        folder = zygote.root / f"run{next(self._numbers)}"
        stand = Stand(source, exercise.name, zygote, self._loop, self._servers, folder)
        judge = Judge(stand, said, only, on_result)
        try:
            if not only:
                stand.prepare(self._needs.get(exercise.id, []))  # known from before: it starts while pytest does
            run_spec(exercise, judge)
            if not only:
                self._needs[exercise.id] = [need for need in judge.needs if need.ahead][:1]
        finally:
            with contextlib.suppress(GraderError):  # a lost stage has been told of as an error already
                stand.close()
            shutil.rmtree(folder, ignore_errors=True)
        return judge


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


def _judged(behaviour: SpecBehaviour, judge: Judge) -> BehaviourResult:
    if judge.lost:  # what was seen before belongs to a run that was never finished
        return _result(behaviour, Verdict.BLOCKED, judge.problem)
    never = _result(behaviour, Verdict.ERROR, "The grader itself failed: the behaviour was never judged.")
    return judge.results.get(behaviour.name, never)


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
