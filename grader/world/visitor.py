"""The visitor: somebody with an HTTP client, outside, who notes what arrives and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

import h11

from grader.stage import Patience
from grader.world import http
from grader.world.loop import Loop
from grader.world.polling import Polls
from grader.world.reply import Json, Reply
from grader.world.request import Request
from grader.world.timeline import Timeline
from grader.world.wire import Wire

PATIENCE = 0.15
"""Seconds of the app's idleness after which a reply is not expected any more."""


class Call:
    """A request in flight."""

    def __init__(
        self, request: str, future: Future[Reply], sent: list[int], patience: Patience, timeline: Timeline
    ) -> None:
        self._request = request
        self._future = future
        self._sent = sent
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
        # While the body is on its way, the app sleeps before each piece of it: then it is the visitor who is slow.
        self._patience.until(self._future.done, idle=patience, moved=lambda: len(self._sent))
        if self._future.done():
            return self._outcome()
        self._timeline.record("visitor", f"no reply to {self._request} yet, and nothing moves any more")
        return Reply(self._request, problem=self._patience.exhausted)

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

    def post_file(
        self,
        path: str,
        name: str,
        content: bytes,
        kind: str = "application/octet-stream",
        part: str = "file",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST a form with one file in it, as a browser does, and wait for the reply.

        name: what the browser says the file is called; kind: its media type; part: the form field's name.
        """
        return self.send(Request.with_file(path, name, content, kind, part, headers)).reply()

    def put_bytes(self, path: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """PUT these bytes, and wait for the reply."""
        return self.send(Request.with_bytes("PUT", path, content, headers)).reply()

    def start(self, method: str, path: str, json: Json = None, headers: Mapping[str, str] | None = None) -> Call:
        """Send a request with some JSON and return at once; several may be in flight."""
        return self.send(Request.with_json(method, path, json, headers))

    def send(self, request: Request) -> Call:
        """Send any request and return at once; several may be in flight."""
        self._timeline.record("visitor", f"{request.title}  {request.shown}".rstrip())
        sent: list[int] = []
        return Call(request.title, self._send(request, self._note, sent), sent, self._patience, self._timeline)

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
        request = Request.with_json("GET", path, None, headers)
        polls = Polls(lambda: self._send(request, lambda _reply: None, []), self._loop, satisfied)
        self._patience.until(polls.satisfied_now, idle=patience)
        reply = polls.last or Reply(f"GET {path}")
        self._timeline.record("visitor", f"GET {path} (asked {polls.count} times): {reply.logged()}")
        return reply

    def hang_up(self) -> None:
        """Close every connection that is still open."""
        for call in self._calls:
            call.cancel()

    def _send(self, request: Request, note: Callable[[Reply], None], sent: list[int]) -> Future[Reply]:
        future = self._loop.start(self._exchange(request, note, sent))
        future.add_done_callback(lambda _: self._patience.wake())
        self._calls.append(future)
        return future

    def _note(self, reply: Reply) -> None:
        self._timeline.record("visitor", f"reply to {reply.request}: {reply.logged()}")

    async def _exchange(self, request: Request, note: Callable[[Reply], None], sent: list[int]) -> Reply:
        reply = await self._talk(request, sent)
        note(reply)
        return reply

    async def _talk(self, request: Request, sent: list[int]) -> Reply:
        try:
            wire = await Wire.connect(self._socket)
        except OSError:
            return self._nothing(request, "your app closed the connection")
        connection = h11.Connection(h11.CLIENT)
        sending: asyncio.Future[None] | None = None
        try:
            await wire.write(http.request_head(connection, request))
            sending = asyncio.ensure_future(http.send_body(connection, request, wire.write, sent))
            message = await http.read_message(connection, wire.read, h11.Response)
        except (h11.LocalProtocolError, UnicodeError):
            return self._nothing(request, "no request can be made for such an address")
        except (h11.RemoteProtocolError, http.TooLarge) as error:
            return self._nothing(request, _garbage(error))
        finally:
            try:
                if sending is not None:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
            finally:  # also when this is cancelled once more while it waits
                wire.close()
        if message is None or not isinstance(message.start, h11.Response):
            return self._nothing(request, "your app closed the connection without a reply")
        status, now = message.start.status_code, self._timeline.now()
        return Reply(request.title, status, message.headers, message.body, sent=sum(sent), at=now)

    def _nothing(self, request: Request, problem: str) -> Reply:
        return Reply(request.title, problem=problem, at=self._timeline.now())


def _garbage(error: Exception) -> str:
    if isinstance(error, http.TooLarge):
        return "the reply is larger than anybody cares to read"
    return f"what your app sent is not a whole HTTP reply ({error})"
