"""A relay before a server, which goes on: it can refuse, fall silent and come back, or keep an answer waiting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from grader.world.listening import LOOPBACK, keep_port, stop_listening
from grader.world.loop import Loop
from grader.world.request import CHUNK


class Relay:
    """Passes bytes on between its own port and a server; every connection here is one connection there.

    host, port: the server's. Lives on a loop of the world's.
    before_answer: awaited before anything that the server says is passed on.
    """

    def __init__(
        self, loop: Loop, host: str, port: int, before_answer: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._loop = loop
        self._target = (host, port)
        self._before_answer = before_answer or self._flows
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None
        self.port = 0
        loop.wait(self._listen())

    def refuse(self) -> None:
        """Cut every connection and refuse new ones."""
        self._loop.wait(self._refuse())

    def hold(self) -> None:
        """Accept connections and pass nothing on."""
        self._loop.call(self._flowing.clear)

    def resume(self) -> None:
        """Pass on again, in order, what has come in the meantime."""
        self._loop.wait(self._resume())

    def close(self) -> None:
        """Cut every connection for good."""
        self._loop.wait(self._refuse())
        if self._placeholder is not None:
            self._placeholder.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            await stop_listening(self._server)
            self._server = None
            self._placeholder = keep_port(self.port)
        for writer in list(self._open):
            writer.close()

    async def _resume(self) -> None:
        self._flowing.set()
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        if self._server is None:
            await self._listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(*self._target)
            self._open |= {writer, back}
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass_on(reader, back, self._flows))
                    both.create_task(self._pass_on(there, writer, self._before_answer))
            finally:
                self._open -= {writer, back}
                back.close()
        writer.close()

    async def _flows(self) -> None:
        await self._flowing.wait()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, leave: Callable[[], Awaitable[None]]
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await leave()
                writer.write(chunk)
                await writer.drain()
        writer.close()  # where one side has gone, the other has nobody to talk to
