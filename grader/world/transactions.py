"""What SQLite's write-ahead log tells of a database: the states it has gone through, one behind each transaction."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODE_AT, WRITE_AHEAD = 18, b"\2\2"
"""Where a database says how it is written; see https://sqlite.org/fileformat.html for this and what follows."""
SALT = slice(16, 24)
LOG_HEADER, FRAME_HEADER = 32, 24
SHARED_AT, SHARED_BYTES = 0x4000_0002, 510
"""What every reader of a database locks in its file."""
MOST_READ = 64 * 1024 * 1024


class State(NamedTuple):
    """A database as a kill at one moment would leave it: the bytes of its file and of its log."""

    database: bytes
    log: bytes


class Transactions:
    """The transactions that a submission makes on a database, from the outside.

    All this is bytes: nothing that a submission has written is opened as a database in the grader's process.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._log = database.with_name(f"{database.name}-wal")

    def log(self) -> None:
        """Have them logged from the submission's next start on; call this while it is not running."""
        with contextlib.suppress(OSError), _opened(self._database, os.O_RDWR) as file:
            os.pwrite(file, WRITE_AHEAD, MODE_AT)

    @contextlib.contextmanager
    def between(self) -> Iterator[list[State]]:
        """Keep the log (``with``), and fill the list at the end: the state behind each transaction but the last.

        It stays empty when the submission has chosen to write in another way.
        """
        states: list[State] = []
        with contextlib.ExitStack() as stack:
            file = self._keep(stack)
            before = len(_ends(self._read_log()))
            yield states
            if file is not None:  # the file that is locked: closing another one of the same would free the lock
                database, log = os.pread(file, MOST_READ, 0), self._read_log()
                states += [State(database, log[:end]) for end in _ends(log)[before:-1]]

    def put_back(self, state: State) -> None:
        """Make the database what it was; call this while the submission is not running."""
        self._database.with_name(f"{self._database.name}-shm").unlink(missing_ok=True)
        for path, content in ((self._database, state.database), (self._log, state.log)):
            path.unlink(missing_ok=True)  # and not written through: it might be a link by now
            path.write_bytes(content)

    def _keep(self, stack: contextlib.ExitStack) -> int | None:
        """Be one of the database's readers: whoever closes it is not the last then, and leaves the log where it is."""
        try:
            file = stack.enter_context(_opened(self._database, os.O_RDONLY))
            if os.pread(file, len(WRITE_AHEAD), MODE_AT) != WRITE_AHEAD:
                return None
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, SHARED_BYTES, SHARED_AT)
        except OSError:
            return None
        return file

    def _read_log(self) -> bytes:
        try:
            with _opened(self._log, os.O_RDONLY) as file:
                return os.pread(file, MOST_READ, 0)
        except OSError:
            return b""


@contextlib.contextmanager
def _opened(path: Path, how: int) -> Iterator[int]:
    """Open an ordinary file. Raises OSError when it is none."""
    file = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(f"{path.name} is not an ordinary file")
        yield file
    finally:
        os.close(file)


def _ends(log: bytes) -> list[int]:
    """Where in the log a transaction ends, in order."""
    frame = FRAME_HEADER + int.from_bytes(log[8:12], "big")
    ends = []
    for start in range(LOG_HEADER, len(log) - frame + 1, frame):
        if log[start + 8 : start + 16] != log[SALT]:  # from here on it is older: the log has begun anew
            break
        if int.from_bytes(log[start + 4 : start + 8], "big"):  # the size of the database: told where one ends
            ends.append(start + frame)
    return ends
