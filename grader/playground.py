"""A submission served for a person to try, with the whole world around it."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.errors import NotStarted, StageError
from grader.report.verdict import Event
from grader.spec import load
from grader.stage import Source, Zygote
from grader.stand import PARTS
from grader.world import Loop, Plan, Seen, World
from grader.world.listening import listen_on_loopback
from grader.world.redis_servers import Servers

if TYPE_CHECKING:
    import socket

    from grader.course import Exercise


@contextmanager
def play(exercise: Exercise, submission: Path, port: int, on_event: Callable[[Event], None]) -> Iterator[str]:
    """Serve a file with the world around it; yields the app's URL, and leaves nothing behind.

    port: on loopback; 0 takes a free one. on_event: called, from other threads, with each thing that the world sees
    and, as part ``output``, with each line that the app prints.
    Raises UnreadableSubmission, CourseError, StageError (also when the port is taken) and NotStarted.
    """
    from grader.preload import modules_for

    source = Source.read(submission)
    spec = load(exercise)
    listener = _listen(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    live = threading.Event()  # the comings and goings of the process itself are not news

    def notice(seen: Seen) -> None:
        if live.is_set():
            on_event(Event(at=round(seen.at, 1), part=seen.part, text=seen.text))

    with listener, Zygote(modules_for([source.content])) as zygote, Loop() as loop, Servers() as servers:
        plan = _plan(exercise, source, spec, zygote.root / "play")
        lines = _Lines(lambda line: notice(Seen(world.timeline.now(), "output", line)))
        world = World(plan, zygote, loop, servers, listener=listener, notice=notice, tee=lines.take)
        try:
            _ = world.app, world.workers.usual
            world.timeline.restart_clock()
            live.set()
            yield url
        except NotStarted as problem:
            raise NotStarted(f"{submission} did not start. {problem}") from None
        finally:
            live.clear()
            world.close()


class _Lines:
    """Cuts what is printed into lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def take(self, chunk: bytes) -> None:
        """Take in what was printed; hand on each line that is complete."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._on_line(line.decode("utf-8", "replace"))


def _listen(port: int) -> socket.socket:
    try:
        return listen_on_loopback(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StageError(f"Port {port} is taken: choose another with --port, or --port 0 for any.") from None
        raise StageError(f"Port {port} cannot be used: {error.strerror}; choose another with --port.") from None


def _plan(exercise: Exercise, source: Source, spec: ModuleType, folder: Path) -> Plan:
    code = folder / "code"
    code.mkdir(parents=True)
    file = code / f"{exercise.name}.py"
    file.write_bytes(source.content)
    text = exercise.spec.read_text(encoding="utf-8")
    return Plan(
        module=exercise.name,
        file=file,
        folder=folder / "world",
        parts=(*sorted(part for part in PARTS if part in text), *getattr(spec, "PARTNERS", ())),
        settings=dict(getattr(spec, "SETTINGS", {})),
        workers=tuple(getattr(spec, "WORKERS", ())),
    )
