"""How much memory a process has, and the most that it ever had."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import Any

FIELD = re.compile(r"^(VmRSS|VmHWM):\s+(\d+) kB$", re.MULTILINE)
RESET_PEAK = "5"
"""What to write to clear_refs to let the high-water mark begin anew; source: proc(5)."""


def read(pid: int, *, fresh_peak: bool) -> dict[str, Any]:
    """Resident bytes of a process now, and at their peak; both 0 when it has gone.

    fresh_peak: let the peak begin anew, at what is resident now.
    """
    if sys.platform != "linux":
        return _by_psutil(pid)
    try:
        if fresh_peak:
            with contextlib.suppress(PermissionError):
                Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK, encoding="ascii")
        found = dict(FIELD.findall(Path(f"/proc/{pid}/status").read_text(encoding="utf-8")))
    except OSError:
        found = {}
    now = int(found.get("VmRSS", 0)) * 1024
    return {"now": now, "peak": now if fresh_peak else int(found.get("VmHWM", 0)) * 1024}


def _by_psutil(pid: int) -> dict[str, Any]:
    import psutil

    try:
        now = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        now = 0
    return {"now": now, "peak": now}
