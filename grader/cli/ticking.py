"""A bar on the terminal while several submissions are graded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from grader.report.verdict import Report


@contextmanager
def ticking(total: int, *, show: bool) -> Iterator[Callable[[Report], None]]:
    """Yields what is to be called with each report. The bar is on standard error, and only on a terminal."""
    if not show or total == 1 or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("grading", total=total)
        # Drawn at once: what is graded between two ticks of the bar's own clock would else never be seen on it.
        yield lambda report: bar.update(task, advance=1, description=report.exercise, refresh=True)
