"""Where a stage's files lie."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import FolderDeleted

ROOM = 256 * 1024 * 1024
"""Bytes that must be free where memory serves as a disk."""


def private_folder() -> Path:
    """Make a folder that nobody else may enter; whoever asked for it removes it."""
    return Path(tempfile.mkdtemp(prefix="grader-", dir=_fast_folder()))


@contextmanager
def laying_out() -> Iterator[None]:
    """Raise FolderDeleted when a folder goes away in which something is put: a submission may delete it meanwhile."""
    try:
        yield
    except FileNotFoundError:
        raise FolderDeleted from None


def _fast_folder() -> str | None:
    """The memory's own file system, where there is one with room: no disk's sync then costs a verdict time."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder in it
    try:
        roomy = shutil.disk_usage(memory).free > ROOM
    except OSError:
        return None
    return str(memory) if roomy and os.access(memory, os.W_OK) else None
