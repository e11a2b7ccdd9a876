"""Runs a lesson's code as a reader would: as a script, in an empty folder, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = "lesson.py"
LIMIT = 10.0


@dataclass(frozen=True)
class Ran:
    """What a script printed, on both streams, and its exit status; None when it took too long."""

    printed: str
    status: int | None


def run(code: str, limit: float = LIMIT) -> Ran:
    """Run code as a script; limit: seconds until it and all that it started are killed."""
    with tempfile.TemporaryDirectory(prefix="lesson-") as name:
        folder = Path(name).resolve()
        (folder / NAME).write_text(code + "\n", encoding="utf-8")
        script = subprocess.Popen(
            [sys.executable, NAME],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            printed, _ = script.communicate(timeout=limit)
            status: int | None = script.returncode
        except subprocess.TimeoutExpired:
            os.killpg(script.pid, signal.SIGKILL)
            printed, _ = script.communicate()
            status = None
        return Ran(_anywhere(printed.decode(errors="replace"), folder), status)


def _environment(folder: Path) -> dict[str, str]:
    told = {"HOME": str(folder), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": os.environ.get("PATH", os.defpath)} | told


def _anywhere(printed: str, folder: Path) -> str:
    """Cut off the paths of this machine, as they stand in tracebacks."""
    for place in (folder, *(sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib"))):
        printed = printed.replace(f"{place}/", "")
    return printed.rstrip()
