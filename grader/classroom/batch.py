"""Grades many submissions over several processes, each of which keeps one grader open."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.util
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from grader.course import Exercise
from grader.errors import StageError, UnreadableSubmission
from grader.report.verdict import Report


class Grading(Protocol):
    """What grades one submission; ``grader.run.Grader`` is it."""

    def grade(self, exercise: Exercise, submission: Path, *, only: Sequence[str] = ()) -> Report:
        """One submission against the spec of one exercise."""
        ...


OpenGrader = Callable[[], AbstractContextManager[Grading]]


@dataclass(frozen=True)
class Work:
    """One submission to be graded; only: names of behaviours, none for all."""

    exercise: Exercise
    submission: Path
    only: tuple[str, ...] = ()


def real_grader(modules: Sequence[str] | None = None) -> AbstractContextManager[Grading]:
    """The grader with its stage and its world; modules: what the stage imports ahead, by default all it may need."""
    from grader.run import Grader

    return Grader(modules)


def graded(
    work: Sequence[Work], jobs: int = 1, *, open_grader: OpenGrader | None = None
) -> Iterator[tuple[int, Report]]:
    """Reports as they end, each with the place of its work in the sequence.

    jobs: how many processes grade at a time; 1 grades in this one. Raises StageError when one of
    them dies. However the iteration ends, no process is left.
    """
    open_grader = open_grader or partial(real_grader, _wanted(work))
    workers = min(jobs, len(work))
    if workers <= 1:
        return _alone(work, open_grader)
    return _together(work, workers, open_grader)


def in_order(pairs: Iterator[tuple[int, Report]], on_report: Callable[[Report], None] | None = None) -> list[Report]:
    """All reports in the order of the work; each is also told as soon as it is there."""
    found: dict[int, Report] = {}
    for place, report in pairs:
        found[place] = report
        if on_report is not None:
            on_report(report)
    return [found[place] for place in sorted(found)]


def _wanted(work: Sequence[Work]) -> list[str]:
    """What these submissions import: a stage that need not load more is ready sooner."""
    from grader.preload import modules_for
    from grader.stage import Source

    sources = []
    for one in work:
        with suppress(UnreadableSubmission):  # its report will say so
            sources.append(Source.read(one.submission).content)
    return modules_for(sources)


def _alone(work: Sequence[Work], open_grader: OpenGrader) -> Iterator[tuple[int, Report]]:
    with open_grader() as grader:
        for place, one in enumerate(work):
            yield place, grader.grade(one.exercise, one.submission, only=one.only)


def _together(work: Sequence[Work], workers: int, open_grader: OpenGrader) -> Iterator[tuple[int, Report]]:
    with _pool(workers, open_grader) as pool:
        with _deaf_to_interrupts():
            places: dict[Future[Report], int] = {pool.submit(_grade, one): place for place, one in enumerate(work)}
        try:
            for future in as_completed(places):
                yield places[future], future.result()
        except BrokenProcessPool:
            raise StageError("A grading process died; grade again, or with --jobs 1 to see on which file.") from None


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Submitting starts the workers. Ctrl-C reaches the whole group, but the parent decides: let them inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _pool(workers: int, open_grader: OpenGrader) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (open_grader,))
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        # Ctrl-C and the like: do not wait for what is being graded. A worker that dies takes its stage with it.
        processes = list((pool._processes or {}).values())  # noqa: SLF001 - terminate_workers() comes with 3.14
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        raise


_grader: Grading | None = None


def _begin(open_grader: OpenGrader) -> None:
    """In a new worker: open the grader that it keeps, and see to it that it is closed again."""
    global _grader  # noqa: PLW0603 - a worker process has exactly one
    threading.Thread(target=_follow_parent, daemon=True).start()
    manager = open_grader()
    _grader = manager.__enter__()
    multiprocessing.util.Finalize(None, manager.__exit__, (None, None, None), exitpriority=10)


def _follow_parent() -> None:
    """A worker of a pool waits for ever on its queue when the parent is killed: leave with it instead."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _grade(work: Work) -> Report:
    if _grader is None:
        raise StageError("A grading process was used before it was ready.")
    return _grader.grade(work.exercise, work.submission, only=work.only)
