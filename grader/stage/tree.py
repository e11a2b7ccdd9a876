"""The processes that belong to one submission: who they are, what they do, and the end of them.

Linux's /proc is read directly, because patience samples it every few milliseconds; elsewhere psutil does it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LINUX = sys.platform == "linux"
TICKS = os.sysconf("SC_CLK_TCK")
ASLEEP = frozenset("SIZXx")
"""Thread states in which nothing is being computed: sleeping, idle, zombie, dead."""


@dataclass(frozen=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    session: int
    state: str
    cpu: float


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


def asleep(pids: Iterable[int]) -> bool:
    """Tell whether every thread of every one of these processes sleeps."""
    return all(_process_sleeps(pid) for pid in pids)


def destroy(roots: Iterable[int], spare: Iterable[int] = ()) -> None:
    """SIGKILL the given processes and all that belong to them; they are stopped first, so that none can multiply."""
    roots, spare = set(roots), set(spare)
    stopped: set[int] = set()
    for _attempt in range(100):
        fresh = members(roots, table()) - stopped - spare
        if not fresh:
            break
        _signal_all(fresh, signal.SIGSTOP)
        stopped |= fresh
    _signal_all(stopped | roots, signal.SIGKILL)


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
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Process(pid, int(fields[1]), int(fields[3]), fields[0].decode(), cpu)


def _process_sleeps(pid: int) -> bool:
    if not LINUX:
        return _psutil_sleeps(pid)
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - a hot path
    except OSError:
        return True
    return all(_thread_sleeps(pid, task) for task in tasks)


def _thread_sleeps(pid: int, task: str) -> bool:
    try:
        with open(f"/proc/{pid}/task/{task}/stat", "rb") as file:  # noqa: PTH123 - a hot path
            return file.read().rpartition(b")")[2].split(maxsplit=1)[0].decode() in ASLEEP
    except OSError:
        return True


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
                    os.getsid(process.pid),
                    "Z" if process.status() == psutil.STATUS_ZOMBIE else "S",
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
