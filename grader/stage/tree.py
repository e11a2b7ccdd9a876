"""The processes that belong to one submission: who they are, what they do, and the end of them.

Linux's /proc is read directly, because patience samples it every few milliseconds; elsewhere psutil does it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LINUX = sys.platform == "linux"
TICKS = os.sysconf("SC_CLK_TCK")
ASLEEP = frozenset("SITtZXx")
"""Thread states in which nothing is being computed: sleeping, idle, stopped, zombie, dead."""

ENDED = frozenset("ZXx")
"""States of a process that has ended and has not been collected."""


@dataclass(frozen=True)
class Process:
    """One line of the process table.

    cpu: seconds, with those of its children that have ended and been collected; own_cpu: without them.
    """

    pid: int
    parent: int
    group: int
    session: int
    state: str
    cpu: float
    own_cpu: float = 0.0


def table() -> dict[int, Process]:
    """Read every process that this one may see."""
    return _linux_table() if LINUX else _psutil_table()


def members(roots: Iterable[int], processes: dict[int, Process]) -> set[int]:
    """Find the given processes, their descendants, and all that share a session with one of them."""
    found = set(roots)
    sessions = set(found)
    while True:
        more = {p.pid for p in processes.values() if p.parent in found or p.session in sessions} - found
        if not more:
            return found
        found |= more
        sessions |= {p.session for p in processes.values() if p.pid in more and p.session == p.pid}


@contextlib.contextmanager
def end_of(pid: int) -> Iterator[Callable[[float], None]]:
    """Hold on to a process; yields what waits, for so many seconds at most, until it can be collected.

    That is when its last thread has gone, and not only the first one: see pidfd_open(2), for Linux. Raises
    ProcessLookupError when there is no such process.
    """
    if not LINUX:
        yield lambda seconds: _look_until_ended(pid, seconds)
        return
    descriptor = os.pidfd_open(pid)
    try:
        yield lambda seconds: select.select([descriptor], [], [], seconds) and None
    finally:
        os.close(descriptor)


def _look_until_ended(pid: int, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds and (process := table().get(pid)) and process.state not in ENDED:
        pass  # a look at the table takes its time by itself


def asleep(pids: Iterable[int]) -> bool:
    """Tell whether every thread of every one of these processes sleeps."""
    return all(_process_sleeps(pid) for pid in pids)


def stuck(pids: Iterable[int]) -> bool:
    """Tell whether a thread of one of these processes waits within the kernel, where no signal reaches it."""
    return LINUX and any(state == "D" for pid in pids for state in _states(pid))


def destroy(roots: Iterable[int], spare: Iterable[int] = ()) -> None:
    """SIGKILL the given processes and all that belong to them; they are stopped first, so that none can multiply.

    Groups are stopped as such, too: the kernel does that at one stroke, and a process that forks and ends faster
    than the table can be read is caught.
    """
    roots, spare = set(roots), set(spare)
    stopped = roots - spare
    _signal_all(stopped, signal.SIGSTOP)  # first, so that one look is enough for whoever is alone
    for _attempt in range(100):
        processes = table()
        fresh = members(roots, processes) - stopped - spare
        if not fresh:
            break
        _signal_all({-group for group in _groups(fresh | stopped, processes)} | fresh, signal.SIGSTOP)
        stopped |= fresh
    _signal_all((stopped | roots) - spare, signal.SIGKILL)


def marked(mark: str) -> set[int]:
    """Find the processes that were started with a text in their environment, or work in a folder that it names."""
    return {pid for pid in table() if pid != os.getpid() and _is_marked(pid, mark)}


def destroy_marked(mark: str, seconds: float = 2.0) -> None:
    """SIGKILL the processes that bear a mark, again and again while there are any, but not for ever."""
    began = time.monotonic()
    while (found := marked(mark)) and time.monotonic() - began < seconds:
        destroy(found)


def _groups(pids: set[int], processes: dict[int, Process]) -> set[int]:
    """The process groups that hold some of these processes and no others."""
    foreign = {p.group for p in processes.values() if p.pid not in pids}
    return {processes[pid].group for pid in pids if pid in processes} - foreign


def _is_marked(pid: int, mark: str) -> bool:
    if not LINUX:
        return _psutil_marked(pid, mark)
    try:
        told = mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        return told or str(Path(f"/proc/{pid}/cwd").readlink()).startswith(mark)
    except OSError:
        return False


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _linux_table() -> dict[int, Process]:
    processes = {}
    for name in os.listdir(PROC):  # noqa: PTH208 - a hot path, names are enough
        if name.isdigit() and (process := _read_stat(int(name))) is not None:
            processes[process.pid] = process
    return processes


def _read_stat(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a hot path
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    seconds = [int(ticks) / TICKS for ticks in fields[11:15]]  # user, system, and the same of the children
    state = fields[0].decode()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), state, sum(seconds), sum(seconds[:2]))


def _process_sleeps(pid: int) -> bool:
    return all(state in ASLEEP for state in _states(pid)) if LINUX else _psutil_sleeps(pid)


def _states(pid: int) -> Iterator[str]:
    """The state of each thread of a process; none when it has gone."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a hot path
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/stat", "rb") as file:  # noqa: PTH123
                yield file.read().rpartition(b")")[2].split(maxsplit=1)[0].decode()


def _psutil_table() -> dict[int, Process]:
    import psutil

    processes = {}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                times = process.cpu_times()
                processes[process.pid] = Process(
                    process.pid,
                    process.ppid(),
                    os.getpgid(process.pid),
                    os.getsid(process.pid),
                    "Z" if process.status() == psutil.STATUS_ZOMBIE else "S",
                    sum(getattr(times, kind, 0.0) for kind in ("user", "system", "children_user", "children_system")),
                    times.user + times.system,
                )
        except (psutil.Error, OSError):
            continue
    return processes


def _psutil_sleeps(pid: int) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        before = process.cpu_times()
        return process.status() != psutil.STATUS_RUNNING and process.cpu_times() == before
    except psutil.Error:
        return True


def _psutil_marked(pid: int, mark: str) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        return any(mark in value for value in process.environ().values()) or process.cwd().startswith(mark)
    except psutil.Error:
        return False
