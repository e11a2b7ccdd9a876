"""A submission's source: read once, by the rules for files that a stranger made."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from grader.errors import UnreadableSubmission

MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Source:
    """The bytes of one submission, and the path by which the user knows it."""

    path: Path
    content: bytes

    @property
    def digest(self) -> str:
        """sha256 of the bytes, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a regular file without following a symbolic link, once, up to 1 MiB.

        Raises UnreadableSubmission, with a line that says what the path is instead.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UnreadableSubmission(_why_not_opened(path, error)) from error
        try:
            _refuse_all_but_files(path, os.fstat(descriptor).st_mode)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(MOST_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(content) > MOST_BYTES:
            raise UnreadableSubmission(f"{path} is larger than 1 MiB: hand in source code only.")
        return cls(path, content)


def _refuse_all_but_files(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableSubmission(f"{path} is a folder: name the file in it that is to be graded.")
    if not stat.S_ISREG(mode):
        raise UnreadableSubmission(f"{path} is not a regular file: hand in a plain Python file.")


def _why_not_opened(path: Path, error: OSError) -> str:
    if path.is_symlink():
        return f"{path} is a symbolic link: hand in the file itself."
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: check the name."
    return f"{path} cannot be read: {error.strerror}."
