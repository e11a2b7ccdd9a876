"""Frames of JSON over a Unix stream socket, with descriptors riding along.

Both sides of the control channel use it. JSON and not pickle: what comes back from the zygote's side is never
trusted to build objects.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

HEADER = struct.Struct("!I")
MOST_DESCRIPTORS = 16
MOST_BYTES = 8 * 1024 * 1024


class ChannelClosed(Exception):
    """The other side has gone."""


def send(sock: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message; the descriptors ride on its first bytes.

    Raises ChannelClosed when nobody is there to read it.
    """
    body = json.dumps(message).encode()
    try:
        socket.send_fds(sock, [HEADER.pack(len(body))], list(descriptors))
        sock.sendall(body)
    except OSError as error:
        raise ChannelClosed(str(error)) from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for one message and its descriptors, which belong to the caller from then on.

    Raises ChannelClosed at the end of the stream.
    """
    header, descriptors = _receive_header(sock)
    (length,) = HEADER.unpack(header)
    if length > MOST_BYTES:
        raise ChannelClosed(f"a frame of {length} bytes")
    message: dict[str, Any] = json.loads(_receive_exactly(sock, length))
    return message, descriptors


def _receive_header(sock: socket.socket) -> tuple[bytes, list[int]]:
    try:
        first, descriptors, _flags, _address = socket.recv_fds(sock, HEADER.size, MOST_DESCRIPTORS)
    except OSError as error:
        raise ChannelClosed(str(error)) from error
    if not first:
        raise ChannelClosed("end of stream")
    return first + _receive_exactly(sock, HEADER.size - len(first)), list(descriptors)


def _receive_exactly(sock: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        try:
            part = sock.recv(length - len(parts))
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not part:
            raise ChannelClosed("end of stream")
        parts += part
    return bytes(parts)
