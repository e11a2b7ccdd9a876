"""What a submission has left on its disk."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

MOST_READ = 128 * 1024 * 1024
"""Bytes of one file that are looked through: more than a submission can write into one."""


def files_with(folder: Path, marker: bytes) -> list[Path]:
    """The ordinary files below a folder whose bytes contain the marker, sorted.

    Links are not followed, and what vanishes while it is looked for is not there.
    """
    found = []
    for parent, _folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            with contextlib.suppress(OSError):
                if marker in _content(path):
                    found.append(path)
    return sorted(found)


def _content(path: Path) -> bytes:
    """An ordinary file's bytes; empty for anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor: nobody can exchange the file meanwhile
        return file.read(MOST_READ) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
