"""The visitor: somebody with an HTTP client, outside, who notes what arrives and when."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import h11

from grader.stage import Patience
from grader.world import http
from grader.world.loop import Loop
from grader.world.polling import Polls
from grader.world.reply import Json, Reply, cut
from grader.world.timeline import Timeline

PATIENCE = 0.15
"""Seconds of the app's idleness after which a reply is not expected any more."""


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def make(cls, method: str, path: str, json: Json, headers: Mapping[str, str] | None) -> Self:
        fields = {"connection": "close", **({} if json is None else {"content-type": "application/json"})}
        body = b"" if json is None else jsonlib.dumps(json).encode()
        return cls(method, path, fields | dict(headers or {}), body)

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}"


class Call:
    """A request in flight."""

    def __init__(self, request: str, future: Future[Reply], patience: Patience, timeline: Timeline) -> None:
        self._request = request
        self._future = future
        self._patience = patience
        self._timeline = timeline

    @property
    def arrived(self) -> bool:
        """Whether the reply has arrived by now."""
        return self._future.done() and self._outcome().arrived

    def reply(self, patience: float = PATIENCE) -> Reply:
        """Wait for the reply; one that does not come is a value as well, and the visitor stays on the line.

        patience: seconds of the app's idleness after which it is not expected any more.
        """
        self._patience.until(self._future.done, idle=patience)
        if self._future.done():
            return self._outcome()
        self._timeline.record("visitor", f"no reply to {self._request} yet, and nothing moves any more")
        return Reply(self._request, problem=self._patience.exhausted or "no reply came")

    def hang_up(self) -> None:
        """Close the connection without waiting for the reply."""
        self._future.cancel()

    def _outcome(self) -> Reply:
        if self._future.cancelled():
            return Reply(self._request, problem="the visitor had hung up")
        return self._future.result()


class Visitor:
    """An HTTP client on the app's Unix socket: a connection a request, no redirects, no proxies, bodies capped."""

    def __init__(self, socket: Path, loop: Loop, timeline: Timeline, patience: Patience) -> None:
        self._socket = socket
        self._loop = loop
        self._timeline = timeline
        self._patience = patience
        self._calls: list[Future[Reply]] = []

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """GET, and wait for the reply."""
        return self.start("GET", path, headers=headers).reply()

    def post(self, path: str, json: Json = None, headers: Mapping[str, str] | None = None) -> Reply:
        """POST some JSON, and wait for the reply."""
        return self.start("POST", path, json, headers).reply()

    def put(self, path: str, json: Json = None, headers: Mapping[str, str] | None = None) -> Reply:
        """PUT some JSON, and wait for the reply."""
        return self.start("PUT", path, json, headers).reply()

    def patch(self, path: str, json: Json = None, headers: Mapping[str, str] | None = None) -> Reply:
        """PATCH with some JSON, and wait for the reply."""
        return self.start("PATCH", path, json, headers).reply()

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """DELETE, and wait for the reply."""
        return self.start("DELETE", path, headers=headers).reply()

    def start(self, method: str, path: str, json: Json = None, headers: Mapping[str, str] | None = None) -> Call:
        """Send a request and return at once; several may be in flight."""
        request = _Request.make(method, path, json, headers)
        self._timeline.record("visitor", f"{request.title}  {cut(request.body.decode())}".rstrip())
        return Call(request.title, self._send(request, self._note), self._patience, self._timeline)

    def until(
        self,
        path: str,
        satisfied: Callable[[Reply], bool],
        patience: float = PATIENCE,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """GET a path again and again until the reply satisfies; the last reply, either way.

        patience: seconds of the app's idleness between the polls, in all.
        """
        request = _Request.make("GET", path, None, headers)
        polls = Polls(lambda: self._send(request, lambda _reply: None), self._loop, satisfied)
        self._patience.until(polls.satisfied_now, idle=patience)
        reply = polls.last or Reply(f"GET {path}", problem="no reply came")
        self._timeline.record("visitor", f"GET {path} (asked {polls.count} times): {reply.shown()}")
        return reply

    def hang_up(self) -> None:
        """Close every connection that is still open."""
        for call in self._calls:
            call.cancel()

    def _send(self, request: _Request, note: Callable[[Reply], None]) -> Future[Reply]:
        future = self._loop.start(self._exchange(request, note))
        future.add_done_callback(lambda _: self._patience.wake())
        self._calls.append(future)
        return future

    def _note(self, reply: Reply) -> None:
        self._timeline.record("visitor", f"reply to {reply.request}: {reply.shown()}")

    async def _exchange(self, request: _Request, note: Callable[[Reply], None]) -> Reply:
        reply = await self._talk(request)
        note(reply)
        return reply

    async def _talk(self, request: _Request) -> Reply:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
            connection = h11.Connection(h11.CLIENT)
            writer.write(http.write_request(connection, request.method, request.path, request.headers, request.body))
            message = await http.read_message(connection, reader, h11.Response)
        except OSError:
            return self._nothing(request, "your app closed the connection")
        except (h11.LocalProtocolError, UnicodeError):
            return self._nothing(request, "no request can be made for such an address")
        except (h11.RemoteProtocolError, http.TooLarge) as error:
            return self._nothing(request, _garbage(error))
        finally:
            if writer is not None:
                writer.close()
        if message is None or not isinstance(message.start, h11.Response):
            return self._nothing(request, "your app closed the connection without a reply")
        return Reply(request.title, message.start.status_code, message.headers, message.body, at=self._timeline.now())

    def _nothing(self, request: _Request, problem: str) -> Reply:
        return Reply(request.title, problem=problem, at=self._timeline.now())


def _garbage(error: Exception) -> str:
    if isinstance(error, http.TooLarge):
        return "the reply is larger than anybody cares to read"
    return f"what your app sent is not a whole HTTP reply ({error})"
