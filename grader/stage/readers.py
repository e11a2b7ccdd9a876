"""The stage's thread: it reads every pipe of every submission, so that nobody who writes is ever blocked."""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable


class Readers:
    """Calls back, in a thread of its own, whenever one of many descriptors can be read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_end, self._wake = os.pipe()
        self._closing = False
        self.watch(self._wake_end, self._on_wake)
        self._thread = threading.Thread(target=self._read_for_ever, name="stage", daemon=True)
        self._thread.start()

    def watch(self, descriptor: int, callback: Callable[[], None], owner: object = None) -> None:
        """Have a callback called whenever a descriptor can be read."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)  # a closed one of the same number, not yet unwatched
        self._selector.register(descriptor, selectors.EVENT_READ, (callback, owner))

    def unwatch(self, descriptor: int, owner: object) -> None:
        """Stop watching, unless the descriptor's number belongs to another owner by now."""
        with contextlib.suppress(KeyError, RuntimeError):  # RuntimeError: it has been closed
            if self._selector.get_key(descriptor).data[1] is owner:
                self._selector.unregister(descriptor)

    def close(self) -> None:
        """End the thread; the descriptors that were watched stay with their owners."""
        self._closing = True
        os.write(self._wake, b"x")
        self._thread.join(timeout=5)
        self._selector.close()
        os.close(self._wake)
        os.close(self._wake_end)

    def _read_for_ever(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                self._call(key.fd, *key.data)

    def _call(self, descriptor: int, callback: Callable[[], None], owner: object) -> None:
        try:
            callback()
        except Exception:  # noqa: BLE001 - what one submission wrote must not end the reading of all others
            self.unwatch(descriptor, owner)

    def _on_wake(self) -> None:
        os.read(self._wake_end, 512)
