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
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from grader.stage import channel, child, memory, semaphores, warmup
from grader.stage.children import Children
from grader.stage.kernel import become_subreaper, die_with_parent

MOST_DYING_SECONDS = 5.0
AGAIN_SECONDS = 0.05


class ZygoteProcess:
    """The loop: requests from the grader, and news of children that ended."""

    def __init__(self, control: socket.socket, root: Path) -> None:
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
            "signal_others": lambda request, _: self.children.signal_others(
                request["pid"], request["signal"], request["only"]
            ),
            "labour": lambda request, _: self.children.labour(request["pid"]),
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
            self.end_all()

    def report_ended(self) -> None:
        """Tell the grader of every child that has ended."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wakeup, 512):
                pass
        for pid, status in self.children.reap():
            with contextlib.suppress(channel.ChannelClosed):  # a grader that has gone is noticed by the loop
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
        """SIGKILL all that was ever started here, and answer when it has gone."""
        self.end_all()
        semaphores.remove(self.root)
        return {}

    def end_all(self) -> None:
        """SIGKILL everything below this process, and wait until it has gone."""
        began = time.monotonic()
        self.children.destroy_all()
        while self.children.any_left() and time.monotonic() - began < MOST_DYING_SECONDS:
            if not select.select([self.wakeup], [], [], AGAIN_SECONDS)[0]:
                self.children.destroy_all()  # one forks and ends faster than the table can be read
            self.report_ended()


def _close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def serve(descriptor: int, root: Path, modules: Sequence[str]) -> None:
    """Preload, warm up, freeze; then fork on request until the grader has gone."""
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's to handle
    become_subreaper()
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    semaphores.name_after(root)
    warmup.drive_dummy_app()
    gc.collect()
    gc.freeze()  # a collection in a child then looks only at what the child made
    if threading.active_count() != 1:
        sys.exit("the zygote has more than one thread and cannot fork safely")
    with contextlib.suppress(channel.ChannelClosed):  # the grader may have gone in the meantime
        channel.send(control, {"event": "ready"})
        ZygoteProcess(control, root).run()


def main() -> None:
    """Be the zygote; however that ends, leave no folder."""
    zygote = os.getpid()
    descriptor, root, *modules = sys.argv[1:]
    try:
        serve(int(descriptor), Path(root), modules)
    finally:
        if os.getpid() == zygote:
            semaphores.remove(Path(root))
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
