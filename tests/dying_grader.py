"""A grader that is going to be killed: ``python -m tests.dying_grader FOLDER`` runs what it finds in the folder.

It prints the zygote's number, its folder, and what the submission tells; then it waits for its end.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from grader.run import Grader
from tests.stage_kit import serving


def main() -> None:
    """Serve ``mine.py`` of a folder and tell of it."""
    source = (Path(sys.argv[1]) / "mine.py").read_text(encoding="utf-8")
    with Grader([]) as grader, serving(grader.zygote, source) as app:
        print(grader.zygote.pid, grader.zygote.root, app.output.split()[0], flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
