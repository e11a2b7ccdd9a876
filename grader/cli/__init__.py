"""The command ``grader``. Assembles the commands, each of which has a file; heavy imports come late."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

FLAG = "--traceback"
VARIABLE = "GRADER_TRACEBACK"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 full marks, 1 less, 2 usage, 3 the grader's fault."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    show_traceback = FLAG in given or os.environ.get(VARIABLE, "") not in ("", "0")
    try:
        from grader.cli.faults import guarded
    except KeyboardInterrupt:  # even before anything could begin
        sys.exit(INTERRUPTED)
    sys.exit(guarded(lambda: _run(prepared(given)), show_traceback=show_traceback))


def prepared(given: Sequence[str]) -> list[str]:
    """The arguments as Typer understands them.

    The traceback's flag may stand anywhere, and ``--json`` may do without a file: then it gets ``-``.
    """
    arguments = [argument for argument in given if argument != FLAG]
    ready: list[str] = []
    for place, argument in enumerate(arguments, start=1):
        ready.append(argument)
        after = arguments[place] if place < len(arguments) else "--"
        if argument == "--json" and after != "-" and after.startswith("-"):
            ready.append("-")
    return ready


def _run(arguments: Sequence[str]) -> None:
    from grader.cli.app import app

    app(args=arguments, prog_name="grader")
