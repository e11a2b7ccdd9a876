"""Sockets that listen, for the world's servers and for the submission."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPBACK = "127.0.0.1"
BACKLOG = 512


def listen_on_loopback(port: int = 0) -> socket.socket:
    """Open a listening TCP socket; port 0 takes a free one. Raises OSError when the port is taken.

    The protocol is named, because asyncio switches Nagle's algorithm off only then: without it, a reply in
    several writes meets the other side's delayed acknowledgement and takes 40 ms.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def keep_port(port: int) -> socket.socket:
    """Hold a TCP port without listening: connections are refused, and nobody else is given it meanwhile."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((LOOPBACK, port))
    return sock


def listen_on_unix(path: Path) -> socket.socket:
    """Open a listening Unix socket at a path that does not exist yet. Raises OSError when its folder does not."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(str(path))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


async def start_listening(serve: Serve, listener: socket.socket) -> asyncio.Server:
    """Serve on a socket that listens already; asyncio by itself would let 100 wait there, and the next one for 1 s."""
    return await asyncio.start_server(serve, sock=listener, backlog=BACKLOG)


async def stop_listening(server: asyncio.Server) -> None:
    """Close a server of the running loop.

    A connection that was accepted a moment ago gets its transport with the loop's next turn. Before Python 3.12 asyncio
    loses it, its socket open, when the server has been closed by then.
    """
    for sock in server.sockets:
        server.get_loop().remove_reader(sock.fileno())
    await asyncio.sleep(0)
    server.close()
