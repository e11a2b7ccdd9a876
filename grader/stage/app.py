"""One process of a submission, as the grader holds it."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any

from grader.errors import NotStarted, StageError
from grader.stage.capture import Capture
from grader.stage.child import COLLECT
from grader.stage.launch import Launch
from grader.stage.offspring import Offspring
from grader.stage.patience import Patience, Vitals
from grader.stage.pipes import Pipes
from grader.stage.reasons import describe, told_by_itself
from grader.stage.zygote import Zygote

STARTUP_PATIENCE = 2.5
"""Seconds of idleness after which an app that does not listen yet is given up.

Whoever connects while starting may sleep for a second until the next try, as ARQ does (``conn_retry_delay``).
"""


class App(Offspring):
    """A submission's process: started, observed, signalled, killed, restarted.

    notice: called, from any thread, with each thing that happens to the process.
    patience: shared with all who wait for this submission; tee: called with what it prints, as it comes.
    """

    def __init__(
        self,
        zygote: Zygote,
        launch: Launch,
        listener: socket.socket | None,
        notice: Callable[[str], None],
        patience: Patience,
        tee: Callable[[bytes], None] | None = None,
    ) -> None:
        self._zygote = zygote
        self._launch = launch
        self._listener = listener
        self._who = f"your {launch.who}"
        self._notice = notice
        self.patience = patience
        self._tee = tee
        self._pipes: list[Pipes] = []
        self.pid = 0
        self.exit_status: int | None = None

    def start(self) -> None:
        """Fork the process; returns at once."""
        pipes = Pipes(self._zygote.readers, self.patience.wake, self._tee)
        self._pipes.append(pipes)
        self.exit_status = None
        listening = [] if self._listener is None else [self._listener.fileno()]
        try:
            reply = self._zygote.request("start", [*pipes.writers, *listening], **self._launch.as_request())
        finally:
            pipes.close_writers()
        self.pid = reply["pid"]
        pipes.watch()
        self._zygote.on_exit(self.pid, self._on_exit)

    def wait_listening(self) -> None:
        """Wait until the server in it listens, or the worker in it takes messages.

        Raises NotStarted, with the reason and the line of the student's own file, when it never will.
        """
        if self.patience.until(self._start_outcome, idle=STARTUP_PATIENCE) != "listening":
            never = (
                "never began to listen: its start-up (lifespan) has not ended" if self._listener else "never got ready"
            )
            raise NotStarted(self._why_it_failed(never))

    def result(self, idle: float = 1.0) -> Any:
        """Wait for what a called function returned, as JSON.

        Raises NotStarted when it raised, exited, or did not come back.
        """
        self.patience.until(lambda: self._said("result") or self._ended(), idle=idle)
        event = self._said("result")
        if event is None:
            raise NotStarted(self._why_it_failed("never came back from the call"))
        return event.get("value")

    def vitals(self) -> Vitals:
        """Sample the process tree."""
        if not self.alive:
            return Vitals(alive=False, asleep=True, cpu=0.0, processes=0, printed=0)
        reply = self._zygote.request("vitals", pid=self.pid)
        printed = sum(output.total for output in self._outputs)
        return Vitals(reply["alive"], reply["asleep"], reply["cpu"], reply["processes"], printed)

    def watch_memory(self) -> int:
        """Begin to watch the memory of the first process; resident bytes now."""
        now: int = self._zygote.request("memory", pid=self.pid, fresh_peak=True)["now"]
        return now

    def peak_memory(self) -> int:
        """The most resident bytes that the first process has had since its memory has been watched."""
        peak: int = self._zygote.request("memory", pid=self.pid, fresh_peak=False)["peak"]
        return peak

    @property
    def alive(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self.pid != 0 and self.exit_status is None

    @property
    def output(self) -> str:
        """All that the submission has printed so far, stdout then stderr, capped."""
        for capture in self._outputs:
            capture.drain()
        return "".join(capture.text for capture in self._outputs)

    def collect_garbage(self) -> None:
        """Run a full collection inside the process and wait until it is done."""
        if not self.alive:
            return
        status = self._pipes[-1].status
        before = status.count("collected")
        self._notice(f"a garbage collection runs in {self._who}")
        self._zygote.request("signal", pid=self.pid, signal=int(COLLECT))
        self.patience.until(lambda: status.count("collected") > before, idle=0.5)

    def terminate(self) -> None:
        """Send SIGTERM to the process; returns at once."""
        self._notice(f"SIGTERM is sent to {self._who}")
        self._zygote.request("signal", pid=self.pid, signal=int(signal.SIGTERM))

    def kill(self) -> None:
        """SIGKILL the whole tree and wait for its end."""
        if self.alive:
            self._notice(f"{self._who} is killed (SIGKILL)")
        self.end()

    def end(self) -> None:
        """Make sure that nothing of the process runs any more."""
        if self.alive:
            with contextlib.suppress(StageError):
                self._zygote.request("destroy", pid=self.pid)
                self.patience.until(self._ended, idle=10.0)

    def exited(self, patience: float = 0.15) -> int | None:
        """Wait for the process to end; its exit status (negative: a signal), or None when it goes on.

        patience: seconds of idleness after which it is taken to go on.
        """
        self.patience.until(self._ended, idle=patience)
        return self.exit_status

    def restart(self) -> None:
        """Kill what still runs, then start a fresh process with the same data and settings; wait until it listens.

        Raises NotStarted when it does not come up again.
        """
        self.start_again()
        self.wait_listening()

    def start_again(self) -> None:
        """Kill what still runs, then start a fresh process with the same data and settings; returns at once."""
        self.kill()
        self._notice(f"{self._who} is started again on the same data")
        self.start()

    def settle(self, patience: float = 0.05) -> None:
        """Wait until the process has been idle for so many seconds."""
        self.patience.until(lambda: None, idle=patience)

    def close(self) -> None:
        """End the process and give its pipes back."""
        self.end()
        for pipes in self._pipes:
            pipes.close()

    def _on_exit(self, status: int) -> None:
        self._pipes[-1].drain()
        self._notice(f"{self._who}'s process ended ({describe(status)})")
        self.exit_status = status
        self.patience.wake()

    @property
    def _outputs(self) -> list[Capture]:
        return [output for pipes in self._pipes for output in pipes.outputs]

    def _ended(self) -> bool:
        return not self.alive

    def _said(self, kind: str) -> dict[str, Any] | None:
        return self._pipes[-1].status.find(kind) if self._pipes else None

    def _start_outcome(self) -> str | None:
        if self._said("listening"):
            return "listening"
        return "failed" if self._said("failed") or self._ended() else None

    def _why_it_failed(self, otherwise: str) -> str:
        """Say in one line why the process is of no use, and end it."""
        subject = "Your program" if self._listener else f"Y{self._who[1:]}"
        failed, status, exhausted = self._said("failed"), self.exit_status, self.patience.exhausted
        self.end()
        if failed is not None:
            return told_by_itself(failed)
        if status is not None:
            return f"{subject} ended before it {'listened' if self._listener else 'was ready'} ({describe(status)})."
        return exhausted or f"Y{self._who[1:]} {otherwise}."
