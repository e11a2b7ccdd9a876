"""One connection as bytes, whose two directions fail on their own.

A server that refuses an upload half-way answers and hangs up; the next write then fails, and asyncio's transports
take a failed write for the end of both directions. The answer, which lies in the socket already, would be lost.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Self

CHUNK = 64 * 1024


class Wire:
    """A client's end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to a Unix socket. Raises OSError."""
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, str(path))
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    async def read(self) -> bytes:
        """The next bytes; empty at the end, however it came."""
        try:
            return await self._loop.sock_recv(self._sock, CHUNK)
        except OSError:
            return b""

    async def write(self, data: bytes) -> bool:
        """Send bytes as there is room; False when the other side takes no more."""
        try:
            await self._loop.sock_sendall(self._sock, data)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Hang up. Whoever still reads or writes must have been cancelled, and awaited, before."""
        self._sock.close()
