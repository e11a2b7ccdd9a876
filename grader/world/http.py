"""One HTTP/1.1 exchange over asyncio streams, by h11: caps and strictness where a stranger answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h11

MOST_BODY = 16 * 1024 * 1024
MOST_INTERIM = 16
"""How often a server may say "100 Continue" and the like."""
CHUNK = 64 * 1024
BEFORE = (h11.IDLE, h11.SEND_RESPONSE)
"""States of somebody whose message has not begun."""

Headers = Mapping[str, str]


class TooLarge(Exception):
    """A body is larger than the world cares to read."""


@dataclass
class Message:
    """A request or a response that has been read whole."""

    start: h11.Request | h11.Response
    body: bytes
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.start.headers}


async def read_message(
    connection: h11.Connection, reader: asyncio.StreamReader, wanted: type[h11.Request | h11.Response]
) -> Message | None:
    """Read up to the end of one message; None when the other side closed before one began.

    Raises h11.RemoteProtocolError for what is not HTTP, and TooLarge.
    """
    start: h11.Request | h11.Response | None = None
    body = bytearray()
    interim = 0
    while True:
        event = await _next_event(connection, reader)
        if isinstance(event, wanted):
            start = event
        elif isinstance(event, h11.InformationalResponse):
            interim += 1
            if interim > MOST_INTERIM:
                raise TooLarge
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BODY:
                raise TooLarge
        elif isinstance(event, h11.EndOfMessage) and start is not None:
            return Message(start, bytes(body))
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            return None


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        data = await reader.read(CHUNK)
        if not data and connection.their_state in BEFORE and not connection.trailing_data[0]:
            return h11.ConnectionClosed()
        connection.receive_data(data)
    return event


def write_request(connection: h11.Connection, method: str, path: str, headers: Headers, body: bytes) -> bytes:
    """Make the bytes of a request."""
    fields = {"host": "app", "content-length": str(len(body)), **headers}
    request = h11.Request(method=method, target=path, headers=_encode(fields.items()))
    return _join(connection, request, body)


def write_response(connection: h11.Connection, status: int, headers: Headers, body: bytes) -> bytes:
    """Make the bytes of a response."""
    fields = {"content-length": str(len(body)), **headers}
    return _join(connection, h11.Response(status_code=status, headers=_encode(fields.items())), body)


def strict_json(body: bytes) -> Any:
    """Read JSON as the standard has it: no NaN, no key twice.

    Raises ValueError for everything else.
    """
    return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)


def _join(connection: h11.Connection, start: h11.Request | h11.Response, body: bytes) -> bytes:
    parts = [connection.send(start)]
    if body:
        parts.append(connection.send(h11.Data(data=body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _encode(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    return dict(pairs)
