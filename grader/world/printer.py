"""A label printer on a raw TCP port: the slow outside service that speaks lines.

A client connects and sends ``PRINT <label>``; it gets ``DONE <label>`` once the label is printed, or ``JAM <label>``.
It may send ``CANCEL <label>`` on the same connection instead of waiting on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import defaultdict

from grader.errors import Unmet
from grader.stage import Patience
from grader.world.gate import Gate
from grader.world.listening import LOOPBACK, start_listening, stop_listening
from grader.world.loop import Loop
from grader.world.timeline import Timeline

PATIENCE = 0.15
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER, on, for no time at all: whoever is on the other side hears of a reset, not of an end."""


class Printer:
    """The printer, and what it has seen: labels asked for, printed, cancelled, abandoned."""

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience, listener: socket.socket) -> None:
        self._loop = loop
        self._timeline = timeline
        self._patience = patience
        self._jammed: set[str] = set()
        self._dropped: set[str] = set()
        self._stuck: set[str] = set()
        self._resets: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._taken: list[str] = []
        self._now = 0
        self.gate = Gate(loop, timeline, patience)
        self.asked: list[str] = []
        self.printed: list[str] = []
        self.cancelled: list[str] = []
        self.hung_up: list[str] = []
        self.at_once = 0
        self.port: int = listener.getsockname()[1]
        self._server = loop.wait(self._listen(listener))

    def held(self) -> Gate:
        """Close the gate (``with``): labels are accepted, but none is printed until it opens."""
        return self.gate.close()

    def jam(self, label: str) -> None:
        """Answer JAM to this label."""
        self._jammed.add(label)

    def drop(self, label: str) -> None:
        """Hang up instead of answering this label."""
        self._dropped.add(label)

    def stick(self, label: str) -> None:
        """Never answer this label, though the gate be open."""
        self._stuck.add(label)

    def reset(self, label: str) -> None:
        """Reset the connection instead of answering this label, at once, though the gate be closed."""
        self._loop.wait(self._set_reset(label))

    def take(self, label: str | None = None, patience: float = PATIENCE) -> str:
        """Wait for the next label asked for and not taken yet, or for this one. Raises Unmet when it does not come."""
        found = self._patience.until(lambda: self._untaken(label), idle=patience)
        if found is None:
            missing = "no label" if label is None else f"no label {label}"
            raise Unmet(self._patience.exhausted or f"The printer was sent {missing}.")
        self._taken.append(found)
        return found

    def _untaken(self, label: str | None) -> str | None:
        waiting = list(self.asked)
        for taken in self._taken:
            waiting.remove(taken)
        return next((one for one in waiting if label in {None, one}), None)

    def expect_asked(self, count: int, patience: float = PATIENCE) -> list[str]:
        """Wait until so many labels have been asked for in all. Raises Unmet when they are not."""
        return self._expect(self.asked, count, "asked for", patience)

    def expect_printed(self, count: int, patience: float = PATIENCE) -> list[str]:
        """Wait until so many labels have been printed in all. Raises Unmet when they are not."""
        return self._expect(self.printed, count, "printed", patience)

    def expect_cancelled(self, count: int, patience: float = PATIENCE) -> list[str]:
        """Wait until so many labels have been cancelled in all. Raises Unmet when they are not."""
        return self._expect(self.cancelled, count, "cancelled", patience)

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told."""
        return {"PRINTER_HOST": LOOPBACK, "PRINTER_PORT": str(self.port)}

    def close(self) -> None:
        """Stop listening, and let everybody through who still waits."""
        self.gate.open()
        self._loop.wait(self._stop())

    def _expect(self, labels: list[str], count: int, done: str, patience: float) -> list[str]:
        if not self._patience.until(lambda: len(labels) >= count, idle=patience):
            raise Unmet(self._patience.exhausted or f"{len(labels)} of {count} labels were {done}.")
        return list(labels)

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        return await start_listening(self._serve, listener)

    async def _set_reset(self, label: str) -> None:
        self._resets[label].set()

    async def _stop(self) -> None:
        await stop_listening(self._server)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._patience.wake()
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.LimitOverrunError):
                line = await reader.readline()
                while line:
                    line = await self._obey(line.decode("utf-8", "replace").strip(), reader, writer)
        finally:
            writer.close()
            self._patience.wake()

    async def _obey(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Carry out one line; return the next one."""
        verb, _, label = line.partition(" ")
        if verb == "PRINT" and label:
            return await self._print(label, reader, writer)
        if verb == "CANCEL" and label:
            self._cancel(label)
        else:
            self._timeline.record("printer", f"a line that is no command: {line[:80]!r}")
            writer.write(b"ERROR\n")
        return await reader.readline()

    async def _print(self, label: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        self.asked.append(label)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        waits = "; the printer is held" if self.gate.shut else ""
        self._timeline.record("printer", f"PRINT {label}{waits}")
        passage = asyncio.ensure_future(asyncio.Event().wait() if label in self._stuck else self.gate.passage())
        reset = asyncio.ensure_future(self._resets[label].wait())
        word = asyncio.ensure_future(reader.readline())
        try:
            await asyncio.wait({passage, reset, word}, return_when=asyncio.FIRST_COMPLETED)
            self._now -= 1  # before the answer: whoever has it may ask for the next label at once
            if reset.done():
                return self._reset(label, writer)
            if passage.done():
                self._finish(label, writer)
                return await word
            self._interrupt(label, word)
            return await reader.readline()
        finally:
            for future in (passage, reset, word):
                future.cancel()

    def _interrupt(self, label: str, word: asyncio.Future[bytes]) -> None:
        line = b"" if word.exception() else word.result()
        if line.decode("utf-8", "replace").strip() == f"CANCEL {label}":
            self._cancel(label)
        else:
            self.hung_up.append(label)
            self._timeline.record("printer", f"your app went away before {label} was printed")

    def _finish(self, label: str, writer: asyncio.StreamWriter) -> None:
        if label in self._dropped:
            self._timeline.record("printer", f"{label}: the printer hangs up")
            writer.transport.abort()
        elif label in self._jammed:
            self._timeline.record("printer", f"JAM {label}")
            writer.write(f"JAM {label}\n".encode())
        else:
            self.printed.append(label)
            self._timeline.record("printer", f"DONE {label}")
            writer.write(f"DONE {label}\n".encode())

    def _reset(self, label: str, writer: asyncio.StreamWriter) -> bytes:
        """End the connection; return what will come on it from now on."""
        self._timeline.record("printer", f"{label}: the connection is reset")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()
        return b""

    def _cancel(self, label: str) -> None:
        self.cancelled.append(label)
        self._timeline.record("printer", f"CANCEL {label}")
