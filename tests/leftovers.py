"""What a submission left running, found without the grader's own means."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterable
from pathlib import Path

import psutil

from grader.stage import Zygote

DEATH_SECONDS = 15.0
"""How long a process that was killed may take to be gone, on a machine that is busy."""


def below(pid: int) -> list[psutil.Process]:
    """All descendants of a process: orphans among them count as the subreaper's."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def told_of(folder: Path) -> list[int]:
    """The processes that have a folder's name in the environment they were started with, or work in it."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_told(entry, folder)]


def left_behind(zygote: Zygote) -> list[object]:
    """Everything that runs because of a stage, besides the stage itself."""
    me = zygote.pid
    return [*below(me), *(pid for pid in told_of(zygote.root) if pid != me)]


def all_end(pids: Iterable[int], seconds: float = DEATH_SECONDS) -> bool:
    """Wait until none of these processes runs any more; tell whether that came to pass."""
    return all(_ends(pid, seconds) for pid in pids)


def _ends(pid: int, seconds: float) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def _is_told(entry: Path, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        environment = (entry / "environ").read_bytes()
        return str(folder).encode() in environment or str((entry / "cwd").readlink()).startswith(str(folder))
    return False
