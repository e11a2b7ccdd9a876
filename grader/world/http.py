"""One HTTP/1.1 exchange over asyncio streams, by h11: caps and strictness where a stranger answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import h11

from grader.world.request import Request

MOST_BODY = 16 * 1024 * 1024

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
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await read())
        elif isinstance(event, wanted):
            start = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_BODY:
                raise TooLarge
        elif isinstance(event, h11.EndOfMessage) and start is not None:
            return Message(start, bytes(body))
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            return None


async def send_request(
    connection: h11.Connection, request: Request, write: Callable[[bytes], Awaitable[bool]], sent: list[int]
) -> None:
    """Send a request, as long as the other side takes it.

    write: sends bytes when there is room, and tells whether they were taken; sent: gets each chunk's size that was.
    """
    going_on = await write(_head(connection, request))
    for chunk in request.chunks:
        if not going_on:
            return
        going_on = await write(connection.send(h11.Data(data=chunk)) or b"")
        sent.append(len(chunk) * going_on)
    await write(connection.send(h11.EndOfMessage()) or b"")


def _head(connection: h11.Connection, request: Request) -> bytes:
    length = {"transfer-encoding": "chunked"} if request.length is None else {"content-length": str(request.length)}
    fields = {"host": "app", "connection": "close", **length, **request.headers}
    head = h11.Request(method=request.method, target=request.path, headers=_encode(fields.items()))
    return connection.send(head) or b""


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
