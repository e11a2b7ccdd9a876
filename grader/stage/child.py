"""What a forked child does: take its descriptors and environment, import the submission, play its role."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any, NoReturn

from grader.stage import roles
from grader.stage.kernel import become_subreaper
from grader.stage.missing import Missing

_exit = os._exit  # before a submission can replace it

COLLECT = signal.SIGUSR2
"""The signal that asks for a garbage collection; its handler stands before the submission is imported."""

CPU_SECONDS = 60
MEMORY_BYTES = 4 * 1024**3
FILE_BYTES = 64 * 1024**2
PROGRAMS = frozenset({"script", "celery", "arq"})
"""Roles whose process ends by itself when it has done its work: that is no failure."""
MOST_TEXT = 500
"""Characters of an error's text that are told."""


class Status:
    """The pipe on which a child says how far it got.

    The submission could write to it as well: what stands there explains, it never decides a verdict.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def say(self, event: str, **details: object) -> None:
        """Write one line of JSON."""
        line = json.dumps({"event": event, **details}, default=repr).encode() + b"\n"
        with contextlib.suppress(OSError):
            while line:
                line = line[os.write(self.descriptor, line) :]


def run(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Become the submission's process; never returns."""
    code = 1
    try:
        become_subreaper()  # whatever it starts stays below it, so that one SIGKILL of the tree misses nothing
        os.setsid()
        stdout, stderr, status_end, *listeners = descriptors
        status = Status(status_end)
        _redirect(stdout, stderr)
        _close_all_but([0, 1, 2, status_end, *listeners])
        _limit()
        _adopt_environment(request)
        _collect_on_signal(status)
        code = _play(request, listeners, status)
    except BaseException:  # noqa: BLE001 - nothing may travel up into the zygote's loop
        traceback.print_exc()
    finally:
        _leave(code)


def _redirect(stdout: int, stderr: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
        os.close(source)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - it is the process's own
    sys.stdout = open(1, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _close_all_but(kept: Iterable[int]) -> None:
    """Close what the fork copied: nothing of the zygote's is the submission's business."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - a hot path
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # the one through which the list was read is closed already
                os.close(int(name))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _adopt_environment(request: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["clock"]:
        _set_clock(*request["clock"])
    time.tzset()  # the C library looks at TZ only once
    os.makedirs(request["cwd"], exist_ok=True)  # noqa: PTH103 - a restarted one may have deleted it
    os.chdir(request["cwd"])
    sys.argv = [request["file"], *request.get("arguments", [])]
    # Whatever looks for the main program (multiprocessing's spawn does) must not find the zygote.
    sys.modules["__main__"] = ModuleType("__main__")
    # Appended, never prepended: a file named like a standard module must not shadow it.
    sys.path.append(os.path.dirname(request["file"]))  # noqa: PTH120


def _set_clock(instant: float, zone: str) -> None:
    """Let the clock on the wall go on from an instant, at a place; monotonic time stays as it is."""
    import time_machine

    os.environ["TZ"] = zone
    time_machine.travel(instant, tick=True).start()


def _collect_on_signal(status: Status) -> None:
    """Collect when a spec asks for it, and never by chance: else a task that nobody holds is lost in some runs only."""
    gc.disable()

    def collect(_number: int, _frame: FrameType | None) -> None:
        gc.collect()
        status.say("collected")

    signal.signal(COLLECT, collect)


def _play(request: dict[str, Any], listeners: list[int], status: Status) -> int:
    try:
        name = "__main__" if request["role"] == "script" else request["module"]
        module = _import(name, request["file"])
        return roles.ROLES[request["role"]](module, request, listeners, status)
    except SystemExit as stop:
        if request["role"] in PROGRAMS and not stop.code:
            return 0
        text = f"Your program called exit({_told(stop.code, repr)})."
        status.say("failed", kind="exit", text=text, file="", line=0)
        return stop.code if isinstance(stop.code, int) else 1
    except Missing as missing:
        status.say("failed", kind="missing", text=str(missing), file=request["file"], line=0)
    except roles.StartupFailed as failed:  # uvicorn has printed the traceback
        place = _place(failed.__cause__ or failed, request["file"])
        place["text"] = f"Your app's start-up (its lifespan) failed: {place['text']}"
        status.say("failed", kind="startup", **place)
    except BaseException as error:  # noqa: BLE001 - whatever the submission raises is told to the student
        with contextlib.suppress(Exception):  # standard error may be closed
            _print_from(request["file"], error)
        status.say("failed", kind=type(error).__name__, **_place(error, request["file"]))
    return 1


def _print_from(file: str, error: BaseException) -> None:
    """Print the traceback from the submission's first line on: how the stage came there tells the student nothing."""
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != file:
        first = first.tb_next
    traceback.print_exception(error.with_traceback(first))


def _import(name: str, file: str) -> ModuleType:
    """Import by file, not by name: nothing that is installed can be taken for the submission."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _place(error: BaseException, file: str) -> dict[str, object]:
    """Find the last line of the submission that took part in the error."""
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == file:
        return {"text": f"{kind}: {_told(error.msg)}", "file": file, "line": error.lineno or 0}
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    text = _told(error)
    return {"text": f"{kind}: {text}" if text else kind, "file": file, "line": lines[-1] if lines else 0}


def _told(value: object, form: Callable[[object], str] = str) -> str:
    """Put into words what a submission made, which may be long, or refuse."""
    try:
        text = form(value)
    except Exception as error:  # noqa: BLE001 - a submission's own __str__ can raise anything
        return f"(its text cannot be told: {type(error).__name__})"
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} ... ({len(text)} characters)"


def _leave(code: int) -> NoReturn:
    """End as an interpreter does (threads joined, exit functions run), without freeing what the zygote imported."""
    try:
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - what the interpreter itself calls
            atexit._run_exitfuncs()  # noqa: SLF001
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        _exit(code & 0xFF)
