"""The line between one instance and Redis: an answer that is late on it, for as long as a spec needs it to be."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from grader.stage import Patience
from grader.world.gate import Gate
from grader.world.listening import LOOPBACK, listen_on_loopback
from grader.world.loop import Loop
from grader.world.request import CHUNK
from grader.world.timeline import Timeline


class Line:
    """Carries bytes to the server on that port and back; it reads none of them."""

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience, server: int) -> None:
        self._loop = loop
        self._timeline = timeline
        self._gate = Gate(loop, timeline, patience)
        self._catches = False
        self._to = server
        listener = listen_on_loopback()
        self.port: int = listener.getsockname()[1]
        self._server = loop.wait(self._listen(listener))

    def kept(self) -> Gate:
        """Keep back (``with``) the next answer, and no other: what was asked is done, and who asked does not know."""
        self._catches = True
        return self._gate.close()

    def close(self) -> None:
        """Carry nothing to new callers; those who speak are heard out."""
        self._gate.open()
        self._loop.wait(self._stop())

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._serve, sock=listener)

    async def _stop(self) -> None:
        self._server.close()

    async def _serve(self, asker: asyncio.StreamReader, to_asker: asyncio.StreamWriter) -> None:
        redis, to_redis = await asyncio.open_connection(LOOPBACK, self._to)
        await asyncio.gather(self._carry(asker, to_redis), self._carry(redis, to_asker, catches=True))

    async def _carry(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, catches: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if catches and self._catches:
                    self._catches = False
                    self._timeline.record("redis", "has done what it was asked; the answer is long on its way")
                    await self._gate.passage()
                to.write(data)
                await to.drain()
        to.close()
