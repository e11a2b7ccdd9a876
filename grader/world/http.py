"""One HTTP/1.1 exchange over asyncio streams, by h11: caps and strictness where a stranger answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import h11

from grader.world.request import Request

MOST_BODY = 16 * 1024 * 1024
MOST_INTERIM = 16
"""How often a server may say "100 Continue" and the like."""
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
    connection: h11.Connection, read: Callable[[], Awaitable[bytes]], wanted: type[h11.Request | h11.Response]
) -> Message | None:
    """Read up to the end of one message; None when the other side closed before one began.

    read: returns the next bytes, empty at the end. Raises h11.RemoteProtocolError for what is not HTTP, and TooLarge.
    """
    start: h11.Request | h11.Response | None = None
    body = bytearray()
    interim = 0
    while True:
        event = await _next_event(connection, read)
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


async def _next_event(connection: h11.Connection, read: Callable[[], Awaitable[bytes]]) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        data = await read()
        if not data and connection.their_state in BEFORE and not connection.trailing_data[0]:
            return h11.ConnectionClosed()
        connection.receive_data(data)
    return event


def request_head(connection: h11.Connection, request: Request) -> bytes:
    """Make the bytes of a request up to its body. Raises h11.LocalProtocolError and UnicodeError when none can be."""
    length = {"transfer-encoding": "chunked"} if request.length is None else {"content-length": str(request.length)}
    fields = {"host": "app", "connection": "close", **length, **request.headers}
    head = h11.Request(method=request.method, target=request.path, headers=_encode(fields.items()))
    return connection.send(head) or b""


async def send_body(
    connection: h11.Connection, request: Request, write: Callable[[bytes], Awaitable[bool]], sent: list[int]
) -> None:
    """Send a request's body, as long as the other side takes it.

    write: sends bytes when there is room, and tells whether they were taken; sent: gets each chunk's size that was.
    """
    for chunk in request.chunks:
        if not await write(connection.send(h11.Data(data=chunk)) or b""):
            return
        sent.append(len(chunk))
    await write(connection.send(h11.EndOfMessage()) or b"")


def write_response(connection: h11.Connection, status: int, headers: Headers, body: bytes) -> bytes:
    """Make the bytes of a response."""
    fields = {"content-length": str(len(body)), **headers}
    return _join(connection, h11.Response(status_code=status, headers=_encode(fields.items())), body)


def _join(connection: h11.Connection, start: h11.Request | h11.Response, body: bytes) -> bytes:
    parts = [connection.send(start)]
    if body:
        parts.append(connection.send(h11.Data(data=body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _encode(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
