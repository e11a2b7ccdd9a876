"""A server on a Unix socket that does to each visitor exactly what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.world import Loop
from grader.world.listening import stop_listening

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def saying(*chunks: bytes) -> Answer:
    """Read the request's head, send these bytes, hang up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()

    return answer


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole response."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


@contextmanager
def unix_server(loop: Loop, path: Path, answer: Answer) -> Iterator[None]:
    """Serve on a path until the end of the block; every connection gets the same treatment."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except OSError:
            pass  # the visitor had enough
        finally:
            writer.close()

    async def listen() -> asyncio.Server:
        return await asyncio.start_unix_server(serve, str(path))

    server = loop.wait(listen())
    try:
        yield
    finally:
        loop.wait(stop_listening(server))
