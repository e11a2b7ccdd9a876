"""One connection as bytes: what has arrived is read before an end or a reset is told.

asyncio's StreamReader tells of a reset at once and forgets what lies before it; a server that refuses an upload
half-way answers and resets, and the answer is what the visitor wants.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self, cast


class Wire(asyncio.Protocol):
    """A client's end of a connection."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self.lost = False
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to a Unix socket. Raises OSError."""
        _, wire = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        return wire

    async def read(self) -> bytes:
        """The next bytes; empty at the end, however it came."""
        if self.lost and self._arrived.empty():
            return b""
        return await self._arrived.get()

    async def write(self, data: bytes) -> bool:
        """Send bytes when there is room; False when the other side takes no more."""
        await self._writable.wait()
        if self.lost or self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def close(self) -> None:
        """Hang up, without waiting for what is not sent yet."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._arrived.put_nowait(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Called by asyncio."""
        self.lost = True
        self._arrived.put_nowait(b"")
        self._writable.set()

    def pause_writing(self) -> None:
        """Called by asyncio."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Called by asyncio."""
        self._writable.set()
