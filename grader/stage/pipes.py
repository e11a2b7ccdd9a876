"""The three pipes of one process of a submission: standard output, standard error, status."""

from __future__ import annotations

import os
from collections.abc import Callable

from grader.stage.capture import Capture
from grader.stage.readers import Readers
from grader.stage.status import StatusPipe


class Pipes:
    """Their reading ends, watched; the writing ends are for the process, and to be closed when it has them.

    wake: called when something has been read; tee: called with what is printed, as it comes.
    """

    def __init__(self, readers: Readers, wake: Callable[[], None], tee: Callable[[bytes], None] | None = None) -> None:
        self._readers = readers
        self._wake = wake
        ends, self.writers = zip(*(os.pipe() for _ in range(3)), strict=True)
        self.outputs = [Capture(end, tee) for end in ends[:2]]
        self.status = StatusPipe(ends[2])

    def close_writers(self) -> None:
        """Give the writing ends up, so that the reading ones see the end."""
        for writer in self.writers:
            os.close(writer)

    def watch(self) -> None:
        """Have them read by the stage's thread from now on."""
        for output in self.outputs:
            self._watch(output, output.drain)
        self._watch(self.status, self.status.read)

    def drain(self) -> None:
        """Read what is there now."""
        for output in self.outputs:
            output.drain()
        self.status.read()

    def close(self) -> None:
        """Give the reading ends back; what was read stays."""
        pipes: tuple[Capture | StatusPipe, ...] = (*self.outputs, self.status)
        for pipe in pipes:
            self._readers.unwatch(pipe.descriptor, pipe)
            pipe.close()

    def _watch(self, pipe: Capture | StatusPipe, read: Callable[[], None]) -> None:
        def on_readable() -> None:
            read()
            if not pipe.open:
                self._readers.unwatch(pipe.descriptor, pipe)
            self._wake()

        self._readers.watch(pipe.descriptor, on_readable, pipe)
