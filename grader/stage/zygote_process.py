"""The zygote itself: ``python -I -m grader.stage.zygote_process FD ROOT MODULE...``.

It is exec'd, so it holds nothing of the grader's; it imports what submissions import, warms that up once, and then
forks a child per process asked for. It has one thread, because a fork copies other threads' locks but not the
threads. When the grader goes away, however it went, the control socket ends, and everything here ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from grader.stage import channel, child, memory, tree, warmup
from grader.stage.kernel import become_subreaper, die_with_parent

TREE_AGE = 0.025
"""Seconds for which a known set of processes is good enough to sample."""


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
        processes = tree.table()
        others = [processes[one] for one in tree.members([pid], processes) - {pid} if one in processes]
        busiest = max(others, key=lambda process: process.cpu, default=None)
        if busiest is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(busiest.pid, signal.SIGKILL)
        return {"killed": busiest.pid if busiest else 0}

    def destroy(self, pid: int) -> None:
        """SIGKILL one child with all that belongs to it."""
        tree.destroy([pid])

    def destroy_all(self) -> None:
        """SIGKILL whatever has this process as an ancestor: orphans are adopted here, so none is missed."""
        mine = tree.members([os.getpid()], tree.table()) - {os.getpid()}
        tree.destroy(mine | self.alive, spare=[os.getpid()])


class ZygoteProcess:
    """The loop: requests from the grader, and news of children that ended."""

    def __init__(self, control: socket.socket, root: str) -> None:
        self.control = control
        self.root = root
        self.pid = os.getpid()
        self.children = Children()
        self.wakeup, wakeup_end = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(wakeup_end, False)
        signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.actions: dict[str, Callable[[dict[str, Any], list[int]], dict[str, Any]]] = {
            "start": self.start,
            "vitals": lambda request, _: self.children.vitals(request["pid"]),
            "signal": self.signal,
            "destroy": self.destroy,
            "memory": lambda request, _: memory.read(request["pid"], fresh_peak=request["fresh_peak"]),
            "kill_busiest": lambda request, _: self.children.kill_busiest(request["pid"]),
            "reset": self.reset,
        }

    def run(self) -> None:
        """Serve until the grader has gone; then leave nothing."""
        try:
            while True:
                readable, _, _ = select.select([self.control.fileno(), self.wakeup], [], [])
                if self.wakeup in readable:
                    self.report_ended()
                if self.control.fileno() in readable:
                    self.answer()
        except (channel.ChannelClosed, KeyboardInterrupt):
            pass
        finally:
            self.children.destroy_all()
            shutil.rmtree(self.root, ignore_errors=True)

    def report_ended(self) -> None:
        """Tell the grader of every child that has ended."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wakeup, 512):
                pass
        for pid, status in self.children.reap():
            channel.send(self.control, {"event": "exit", "pid": pid, "status": status})

    def answer(self) -> None:
        """Carry out one request."""
        request, descriptors = channel.receive(self.control)
        reply = self.actions[request["do"]](request, descriptors)
        channel.send(self.control, {"id": request["id"], **reply})

    def start(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Fork a child for one role of a submission."""
        try:
            pid = os.fork()
        except OSError as error:
            _close_all(descriptors)
            return {"problem": f"No process could be forked: {error.strerror}."}
        if pid == 0:
            self.become_child(request, descriptors)
        _close_all(descriptors)
        self.children.alive.add(pid)
        return {"pid": pid}

    def become_child(self, request: dict[str, Any], descriptors: list[int]) -> NoReturn:
        """Forget the zygote, then run the submission; never returns."""
        try:
            die_with_parent(self.pid)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.control.close()
            child.run(request, descriptors)
        finally:  # whatever a submission did to its interpreter: it must not go on here as a second zygote
            os.kill(os.getpid(), signal.SIGKILL)

    def signal(self, request: dict[str, Any], _descriptors: list[int]) -> dict[str, Any]:
        """Send a signal to a child's first process."""
        if request["pid"] in self.children.alive:
            os.kill(request["pid"], request["signal"])
        return {}

    def destroy(self, request: dict[str, Any], _descriptors: list[int]) -> dict[str, Any]:
        """SIGKILL a child's tree; its end is reported like any other."""
        self.children.destroy(request["pid"])
        return {}

    def reset(self, _request: dict[str, Any], _descriptors: list[int]) -> dict[str, Any]:
        """SIGKILL all that was ever started here."""
        self.children.destroy_all()
        return {}


def _close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def main() -> None:
    """Preload, warm up, freeze, serve."""
    descriptor, root, *modules = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's to handle
    become_subreaper()
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    warmup.drive_dummy_app()
    gc.collect()
    gc.freeze()  # a collection in a child then looks only at what the child made
    if threading.active_count() != 1:
        sys.exit("the zygote has more than one thread and cannot fork safely")
    try:
        channel.send(control, {"event": "ready"})
    except channel.ChannelClosed:
        return  # the grader has gone in the meantime
    ZygoteProcess(control, root).run()


if __name__ == "__main__":
    main()
