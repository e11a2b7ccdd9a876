"""Why a submission's process is of no use, in one line."""

from __future__ import annotations

import signal
from typing import Any

MOST_TEXT = 600


def describe(status: int) -> str:
    """Put an exit status into words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"


def told_by_itself(failed: dict[str, Any]) -> str:
    """Put the event of a failure into words.

    The submission may have made it up: its text is cut and made one line.
    """
    text = " ".join(str(failed.get("text", "It failed.")).split()).encode("utf-8", "replace").decode()
    line = failed.get("line")
    place = f" (line {line} of your file)" if isinstance(line, int) and line > 0 else ""
    return f"{text[:MOST_TEXT]}{place}"
