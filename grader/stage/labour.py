"""Who computes beside an app, and who only stands by: a fork server, for one, or a process that waits for its turn.

What a process has computed in all does not tell: a fork server has imported everything, and the one that it has just
forked for the work has computed nothing yet. So it is counted from a moment on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from grader.stage.app import App

WORK = 0.02
"""Seconds of processor time: less than a large piece of work takes, more than forking somebody for it."""


class Labour:
    """What each process of an app has computed since this was made."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._before = app.labour()

    def worker(self) -> int:
        """The process beside the first that has computed most, by its id; 0 when none that lives has done any work."""
        spent = {pid: own - self._at_first(pid)[0] for pid, (own, _) in self._app.labour().items()}
        spent.pop(self._app.pid, None)
        busiest = max(spent, key=lambda pid: spent[pid], default=0)
        return busiest if spent.get(busiest, 0.0) >= WORK else 0

    def alone(self) -> bool:
        """Tell whether there is no process beside the first, and none was there that has computed anything."""
        now = self._app.labour()
        return all(pid == self._app.pid and gone <= self._at_first(pid)[1] for pid, (_, gone) in now.items())

    @contextlib.contextmanager
    def held(self) -> Iterator[int]:
        """Wait for somebody beside the first process to work, then let all but the first stand still.

        Yields the ``worker`` once the first process has heard all that had been sent to it.
        """
        self._app.patience.until(self.worker, idle=0.15)
        with self._app.children_held():
            self._app.settle(0.02)
            yield self.worker()

    def _at_first(self, pid: int) -> tuple[float, float]:
        return self._before.get(pid, (0.0, 0.0))
