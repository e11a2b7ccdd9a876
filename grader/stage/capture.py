"""What a process wrote into a pipe: always read, so that nobody blocks, and kept only up to a cap."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable

KEEP = 16 * 1024
"""Bytes kept of the beginning, and as many of the end."""
CHUNK = 256 * 1024


class Capture:
    """The reading end of one pipe.

    ``drain`` may be called from any thread: what was written before a caller learned of something else is then in
    ``text``, because a pipe hands over at once what has been written.
    tee: called with each chunk as it is read.
    """

    def __init__(self, descriptor: int, tee: Callable[[bytes], None] | None = None) -> None:
        self.descriptor = descriptor
        self._tee = tee
        os.set_blocking(descriptor, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # there is a limit for each user
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, CHUNK)
        self._lock = threading.Lock()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._left_out = 0
        self.total = 0
        self.open = True

    def drain(self) -> None:
        """Read what is there, without waiting."""
        with self._lock:
            for _round in range(64):  # an endless writer must not hold its reader for ever
                if not self.open:
                    return
                try:
                    chunk = os.read(self.descriptor, CHUNK)
                except BlockingIOError:
                    return
                if not chunk:
                    self._close()
                    return
                self.total += len(chunk)
                self._keep(chunk)

    def close(self) -> None:
        """Give the descriptor back; what was read stays."""
        with self._lock:
            self._close()

    @property
    def text(self) -> str:
        """What was kept, with a line in place of what was left out."""
        with self._lock:
            head, tail, left_out = bytes(self._head), b"".join(self._tail), self._left_out
        if left_out + len(tail) > KEEP:
            left_out += max(0, len(tail) - KEEP)
            tail = tail[-KEEP:]
            tail = f"\n[{left_out} bytes left out]\n".encode() + tail
        return (head + tail).decode("utf-8", "replace")

    def _keep(self, chunk: bytes) -> None:
        if self._tee is not None:
            self._tee(chunk)
        room = KEEP - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            chunk_kept = chunk[-KEEP:]
            self._left_out += len(chunk) - len(chunk_kept)
            self._tail.append(chunk_kept)
            self._tail_size += len(chunk_kept)
        while self._tail and self._tail_size - len(self._tail[0]) >= KEEP:
            dropped = self._tail.popleft()
            self._tail_size -= len(dropped)
            self._left_out += len(dropped)

    def _close(self) -> None:
        if self.open:
            self.open = False
            os.close(self.descriptor)
