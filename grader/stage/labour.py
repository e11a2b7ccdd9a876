"""Who computes beside an app, and who only stands by: a fork server, for one, or a process that waits for its turn.

What a process has computed in all does not tell: a fork server has imported everything, and the one that it has just
forked for the work has computed nothing yet. So it is counted from a moment on.
"""

from __future__ import annotations

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

    def _at_first(self, pid: int) -> tuple[float, float]:
        return self._before.get(pid, (0.0, 0.0))
