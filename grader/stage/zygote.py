"""The grader's side of the zygote: start it, ask it, end it."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from grader.errors import StageError, StageLost
from grader.stage import channel, semaphores, tree
from grader.stage.folder import private_folder
from grader.stage.readers import Readers

READY_SECONDS = 60.0
ANSWER_SECONDS = 10.0
"""The last resort: a zygote that has not answered for so long is taken for lost."""
NUDGE_SECONDS = 0.25
"""Seconds after which a zygote that does not answer is told to go on: a submission may have stopped it."""

SHOW_TROUBLE = "GRADER_TRACEBACK"

BASE_MODULES = ("fastapi", "uvicorn", "uvicorn.lifespan.on", "uvicorn.protocols.http.h11_impl", "uvicorn.loops.asyncio")


class Zygote:
    """One preloaded process that forks the submissions' processes.

    modules: what to import before the first fork, besides what every service needs.
    Use as a context manager; ``start`` execs at once, and the first request waits until it is warm.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self.root = private_folder()
        self._numbers = itertools.count(1)
        self._replies: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._exits: dict[int, Callable[[int], None]] = {}
        self._early_exits: dict[int, int] = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._lost = self._closed = False
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = self._exec(theirs, [*BASE_MODULES, *modules])
        self.readers = Readers()
        self.readers.watch(self._control.fileno(), self._on_control)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def request(self, do: str, descriptors: Sequence[int] = (), **details: Any) -> dict[str, Any]:
        """Ask the zygote for something and wait for its reply.

        Raises StageLost when it has gone, and StageError when it cannot.
        """
        self.wait_until_ready()
        number = next(self._numbers)
        mailbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._replies[number] = mailbox
            if not self._lost:
                with contextlib.suppress(channel.ChannelClosed):
                    channel.send(self._control, {"id": number, "do": do, **details}, descriptors)
        try:
            reply = self._wait_for(mailbox)
        finally:
            self._replies.pop(number, None)
        if reply.get("lost"):
            raise StageLost("The process that runs submissions was lost: run the command again.")
        if "problem" in reply:
            raise StageError(reply["problem"])
        return reply

    def _wait_for(self, mailbox: queue.SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
        began = time.monotonic()
        while not self._lost and time.monotonic() - began < ANSWER_SECONDS:
            with contextlib.suppress(queue.Empty):
                return mailbox.get(timeout=NUDGE_SECONDS)
            self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        return {"lost": True}

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def lost(self) -> bool:
        """Whether the process has gone."""
        return self._lost

    def on_exit(self, pid: int, callback: Callable[[int], None]) -> None:
        """Have a callback called, in the stage's thread, with the exit status of a process."""
        with self._lock:
            status = self._early_exits.pop(pid, None)
            if status is None:
                self._exits[pid] = callback
        if status is not None:
            callback(status)

    def reset(self) -> None:
        """Kill all that was started, and what it left behind."""
        self.request("reset")

    def close(self) -> None:
        """End the zygote and everything under it; remove its folder."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        tree.destroy_marked(str(self.root))  # what a zygote that was killed could not end itself
        semaphores.remove(self.root)
        self.readers.close()
        self._control.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def _exec(self, theirs: socket.socket, modules: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-m", "grader.stage.zygote_process", str(theirs.fileno()), str(self.root)]
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
        try:
            return subprocess.Popen(
                [*command, *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a submission could write to it, and to this process's JSON
                stderr=None if os.environ.get(SHOW_TROUBLE) else subprocess.DEVNULL,
                env={**environment, "HOME": str(self.root)},
                cwd=self.root,
                process_group=0,  # Ctrl-C is the grader's to handle, from the first moment
            )
        except OSError as error:
            self._control.close()
            shutil.rmtree(self.root, ignore_errors=True)
            raise StageError(f"No process for submissions could be started: {error.strerror}.") from error

    def wait_until_ready(self) -> None:
        """Wait until the first process can be forked. Raises StageError when that takes too long."""
        if not self._ready.wait(READY_SECONDS):
            raise StageError("The process that runs submissions did not come up: try `grader doctor`.")

    def _on_control(self) -> None:
        try:
            message, _ = channel.receive(self._control)
        except channel.ChannelClosed:
            self._give_up()
            return
        if message.get("event") == "exit":
            self._report_exit(message["pid"], message["status"])
        elif message.get("event") == "ready":
            self._ready.set()
        elif (mailbox := self._replies.get(message["id"])) is not None:
            mailbox.put(message)

    def _report_exit(self, pid: int, status: int) -> None:
        with self._lock:
            callback = self._exits.pop(pid, None)
            if callback is None:
                self._early_exits[pid] = status
        if callback is not None:
            callback(status)

    def _give_up(self) -> None:
        self.readers.unwatch(self._control.fileno(), None)
        with self._lock:
            self._lost = True
            waiting = list(self._replies.values())
            exits = list(self._exits.values())
            self._exits.clear()
        self._ready.set()
        for mailbox in waiting:
            mailbox.put({"lost": True})
        for callback in exits:
            callback(-int(signal.SIGKILL))
