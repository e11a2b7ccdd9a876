"""What may be done to a submission's process and to those that it has started: held still, killed, looked at."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

from grader.stage.zygote import Zygote


class Offspring:
    """A submission's process, as far as it has children.

    who: what it is called in notices; notice: called with each thing that happens to it.
    """

    def __init__(self, zygote: Zygote, who: str, notice: Callable[[str], None]) -> None:
        self._zygote = zygote
        self._who = who
        self._notice = notice
        self.pid = 0

    def kill_busiest_child(self) -> bool:
        """SIGKILL the one of the process's own children that has computed most; False when it has none."""
        killed = bool(self._zygote.request("kill_busiest", pid=self.pid)["killed"])
        what = f"one of {self._who}'s child processes is killed (SIGKILL)"
        self._notice(what if killed else f"{self._who} has no children")
        return killed

    def kill_children(self) -> int:
        """SIGKILL everything that the process has started; how many there were."""
        killed = self._signal_children(signal.SIGKILL)
        what = f"{self._who}'s child processes are killed (SIGKILL)"
        self._notice(what if killed else f"{self._who} has no children")
        return killed

    def kill_child(self, child: int) -> bool:
        """SIGKILL one process that this one has started, by its id; False when it has ended."""
        killed = bool(self._signal_children(signal.SIGKILL, only=child))
        self._notice(f"a process of {self._who}'s {'is killed (SIGKILL)' if killed else 'has ended'}")
        return killed

    def labour(self) -> dict[int, tuple[float, float]]:
        """Tell how many seconds each process of the tree has computed, and those that it has collected; by its id."""
        reply = self._zygote.request("labour", pid=self.pid)
        return {pid: (own, collected) for pid, own, collected in reply["labour"]}

    @contextlib.contextmanager
    def children_held(self) -> Iterator[int]:
        """Let the process's own children stand still meanwhile (SIGSTOP); yields how many there are now."""
        held = self._signal_children(signal.SIGSTOP)
        what = f"{self._who}'s child processes are held still (SIGSTOP)"
        self._notice(what if held else f"{self._who} has no children")
        try:
            yield held
        finally:
            self._signal_children(signal.SIGCONT)
            self._notice(f"{self._who}'s child processes go on")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the process itself stand still meanwhile (SIGSTOP): all that was sent to it is there when it goes on."""
        self._notice(f"{self._who} is held still (SIGSTOP)")
        self._zygote.request("signal", pid=self.pid, signal=int(signal.SIGSTOP))
        try:
            yield
        finally:
            self._notice(f"{self._who} goes on")
            self._zygote.request("signal", pid=self.pid, signal=int(signal.SIGCONT))

    def _signal_children(self, number: signal.Signals, only: int | None = None) -> int:
        """Send a signal to what the process has started; how many there were."""
        reply = self._zygote.request("signal_others", pid=self.pid, signal=int(number), only=only)
        return int(reply["signalled"])
