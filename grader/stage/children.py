"""The zygote's children: collected when they end, looked at, killed with all that belongs to them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

from grader.stage import tree

TREE_AGE = 0.025
"""Seconds for which a known set of processes is good enough to sample."""


MOST_STOPS = 200
MOMENT = 0.002
"""Seconds in which a process that is about to become a program can do so."""


class Children:
    """The processes that were forked here, and what may be asked about them."""

    def __init__(self) -> None:
        self.alive: set[int] = set()
        self._members: dict[int, tuple[float, set[int], float]] = {}

    def reap(self) -> list[tuple[int, int]]:
        """Collect every child that has ended, adopted ones too; return (pid, status) of our own."""
        ended = []
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in self.alive:
                    self.alive.discard(pid)
                    self._members.pop(pid, None)
                    ended.append((pid, os.waitstatus_to_exitcode(status)))
        return ended

    def any_left(self) -> bool:
        """Whether there is a child, adopted ones too, that has not been collected."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def vitals(self, pid: int) -> dict[str, Any]:
        """Tell whether all threads of a child's tree sleep, its CPU seconds, and how many processes it has."""
        if pid not in self.alive:
            return {"alive": False, "asleep": True, "cpu": 0.0, "processes": 0}
        now = time.monotonic()
        read_at, members, cpu = self._members.get(pid, (0.0, set(), 0.0))
        if now - read_at > TREE_AGE:
            processes = tree.table()
            members = tree.members([pid], processes)
            cpu = sum(processes[member].cpu for member in members if member in processes)
            self._members[pid] = (now, members, cpu)
        return {"alive": True, "asleep": tree.asleep(members), "cpu": cpu, "processes": len(members)}

    def kill_busiest(self, pid: int) -> dict[str, Any]:
        """SIGKILL the one of a child's own children that has used the most processor time; tell which, or 0."""
        busiest = max(_others(pid), key=lambda process: process.cpu, default=None)
        if busiest is not None:
            kill_before(pid, busiest.pid)
        return {"killed": busiest.pid if busiest else 0}

    def signal_others(self, pid: int, number: int, only: int | None = None) -> dict[str, Any]:
        """Send a signal to all processes of a child's tree but the first; tell how many there were.

        only: the one that is meant, when not all are.
        """
        meant = _send(pid, number, only)
        if number == signal.SIGSTOP:
            meant = _stop_again_while_somebody_waits(pid, only) or meant
        return {"signalled": meant}

    def labour(self, pid: int) -> dict[str, Any]:
        """Tell what each process of a child's tree has computed itself, and what those that it has collected.

        A list of [pid, seconds, seconds]; a process that has ended is not in it.
        """
        members = _members(pid)
        return {"labour": [[one.pid, one.own_cpu, one.cpu - one.own_cpu] for one in members]}

    def destroy(self, pid: int) -> None:
        """SIGKILL one child with all that belongs to it."""
        tree.destroy([pid])

    def destroy_all(self) -> None:
        """SIGKILL whatever has this process as an ancestor: orphans are adopted here, so none is missed."""
        tree.destroy([os.getpid()], spare=[os.getpid()])


def _members(pid: int) -> list[tree.Process]:
    """The processes of a child's tree, without those that have ended."""
    processes = tree.table()
    found = [processes[one] for one in tree.members([pid], processes) if one in processes]
    return [process for process in found if process.state not in tree.ENDED]


def _others(pid: int) -> list[tree.Process]:
    """The same without the first."""
    return [process for process in _members(pid) if process.pid != pid]


def kill_before(witness: int, pid: int, seconds: float = 2.0) -> None:
    """SIGKILL a process, while another one stands still until the dead one can be waited for.

    What a process has open is closed a moment before it can be collected. Who is woken by the one, and looks for the
    other at that moment, takes the dead for alive: Celery's pool would not look again for five seconds.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(witness, signal.SIGSTOP)
        with tree.end_of(pid) as ended:
            os.kill(pid, signal.SIGKILL)
            ended(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(witness, signal.SIGCONT)


def _send(pid: int, number: int, only: int | None) -> int:
    meant = [process for process in _others(pid) if only in (None, process.pid)]
    for process in meant:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
    return len(meant)


def _stop_again_while_somebody_waits(pid: int, only: int | None) -> int:
    """Let those that were stopped go on for a moment as long as somebody of the tree cannot but wait for them.

    Whoever starts a program waits within the kernel until the new process has become that program (vfork(2)), and would
    wait with all its threads for one that was stopped before. How many were stopped again; 0 when it was not needed.
    """
    stopped = 0
    for _attempt in range(MOST_STOPS):
        if not tree.stuck(one.pid for one in _members(pid)):
            break
        _send(pid, signal.SIGCONT, only)
        time.sleep(MOMENT)
        stopped = _send(pid, signal.SIGSTOP, only)
    return stopped
