"""How a run ends: exit codes, and one line instead of a traceback."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from enum import IntEnum
from types import FrameType

from grader.cli import FLAG, INTERRUPTED
from grader.cli.screen import complain
from grader.errors import GraderError, NotStarted, UnknownExercise, UnreadableSubmission
from grader.report.verdict import Report


class Code(IntEnum):
    """Exit codes."""

    FULL_MARKS = 0
    LESS = 1
    USAGE = 2
    GRADER = 3


class UsageError(GraderError):
    """The command line asks for something that cannot be done; the text names the remedy."""


def code_of(reports: Sequence[Report]) -> Code:
    """The exit code for what was graded: the grader's own fault outweighs everything."""
    if any(report.errors for report in reports):
        return Code.GRADER
    return Code.FULL_MARKS if all(report.solved for report in reports) else Code.LESS


def guarded(action: Callable[[], None], *, show_traceback: bool) -> int:
    """Run an action; whatever it raises becomes one line on standard error and an exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        action()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        complain("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        _quiet_stdout()
        return Code.LESS
    except Exception as error:  # noqa: BLE001 - the last resort; a traceback is no help to a student
        return _explained(error, show_traceback=show_traceback)
    return Code.FULL_MARKS


def _explained(error: Exception, *, show_traceback: bool) -> int:
    if show_traceback:
        traceback.print_exception(error)
    if isinstance(error, (UsageError, UnknownExercise, UnreadableSubmission)):
        complain(str(error))
        return Code.USAGE
    if isinstance(error, NotStarted):
        complain(str(error))
        return Code.LESS
    if isinstance(error, GraderError):
        complain(str(error))
        return Code.GRADER
    complain(f"The grader itself failed: {type(error).__name__}: {error} ({FLAG} shows where).")
    return Code.GRADER


def _terminated(number: int, _frame: FrameType | None) -> None:
    """SIGTERM leaves by the same doors as every other end, so that nothing stays running."""
    raise SystemExit(128 + number)


def _quiet_stdout() -> None:
    """The reader has gone: let the interpreter's last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
