"""The visitor: somebody with an HTTP client, outside, who notes what arrives and when."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11

from grader.errors import Unmet
from grader.stage import Patience
from grader.world import http
from grader.world.loop import Loop
from grader.world.timeline import Timeline

PATIENCE = 0.15
"""Seconds of the app's idleness after which a reply is not expected any more."""
POLL_SECONDS = (0.002, 0.005, 0.01, 0.02)
SHOWN = 200
Json = Any


@dataclass(frozen=True)
class Reply:
    """What came back. A reply that never came is a value too: ``arrived`` is False and ``status`` None.

    A reply has arrived when the last chunk of its body has.
    """

    request: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""
    at: float = 0.0

    @property
    def arrived(self) -> bool:
        """Whether it came whole."""
        return self.status is not None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Json:
        """The body as JSON, read strictly; None when it is not JSON."""
        try:
            return http.strict_json(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str, kind: type | None = None) -> Json:
        """One field of a JSON object.

        kind: the exact type wanted (``int`` does not accept ``True``). Raises Unmet when it is not so.
        """
        document = self.json
        if not isinstance(document, dict) or name not in document:
            raise Unmet(f'{self.request}: the reply has no field "{name}" in it: {self._shown()}')
        value = document[name]
        if kind is not None and type(value) is not kind:
            raise Unmet(f'{self.request}: "{name}" should be {_KINDS.get(kind, kind.__name__)}: {self._shown()}')
        return value

    def follow(self) -> str:
        """The path that the reply's Location names. Raises Unmet when there is none."""
        location = self.headers.get("location", "")
        parts = urlsplit(location)
        if not parts.path.startswith("/"):
            raise Unmet(f"{self.request}: the reply has no Location header with a path to follow: {location or 'none'}.")
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _shown(self) -> str:
        if not self.arrived:
            return self.problem or "no reply came"
        return f"{self.status} {_cut(self.text) or '(empty)'}"


_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}


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
        return self._future.done() and self._future.result().arrived

    def reply(self, patience: float = PATIENCE) -> Reply:
        """Wait for the reply; one that does not come is a value as well, and the visitor stays on the line.

        patience: seconds of the app's idleness after which it is not expected any more.
        """
        self._patience.until(self._future.done, idle=patience)
        if self._future.done():
            return self._future.result()
        self._timeline.record("visitor", f"no reply to {self._request} yet, and nothing moves any more")
        return Reply(self._request, problem=self._patience.exhausted or "no reply came")

    def hang_up(self) -> None:
        """Close the connection without waiting for the reply."""
        self._future.cancel()


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
        return self._send(method, path, json, headers, quietly=False)

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
        polls = _Polls(lambda: self._send("GET", path, None, headers, quietly=True)._future, self._loop, satisfied)
        self._patience.until(polls.satisfied_now, idle=patience)
        reply = polls.last or Reply(f"GET {path}", problem="no reply came")
        self._timeline.record("visitor", f"GET {path} (asked {polls.count} times): {reply._shown()}")
        return reply

    def hang_up(self) -> None:
        """Close every connection that is still open."""
        for call in self._calls:
            call.cancel()

    def _send(
        self, method: str, path: str, json: Json, headers: Mapping[str, str] | None, *, quietly: bool
    ) -> Call:
        body = b"" if json is None else jsonlib.dumps(json).encode()
        fields = {"content-type": "application/json", **(headers or {})} if body else dict(headers or {})
        title = f"{method} {path}"
        if not quietly:
            self._timeline.record("visitor", f"{title}  {_cut(body.decode())}".rstrip())
        future = self._loop.start(self._exchange(title, method, path, fields, body, quietly=quietly))
        future.add_done_callback(lambda _: self._patience.wake())
        self._calls.append(future)
        return Call(title, future, self._patience, self._timeline)

    async def _exchange(
        self, title: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *, quietly: bool
    ) -> Reply:
        reply = await self._talk(title, method, path, headers, body)
        if not quietly:
            self._timeline.record("visitor", f"reply to {title}: {reply._shown()}")
        return reply

    async def _talk(self, title: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
            connection = h11.Connection(h11.CLIENT)
            writer.write(http.write_request(connection, method, path, {"connection": "close", **headers}, body))
            message = await http.read_message(connection, reader, h11.Response)
        except OSError:
            return Reply(title, problem="your app closed the connection", at=self._timeline.now())
        except (h11.RemoteProtocolError, http.TooLarge) as error:
            return Reply(title, problem=_garbage(error), at=self._timeline.now())
        finally:
            if writer is not None:
                writer.close()
        if message is None or not isinstance(message.start, h11.Response):
            return Reply(title, problem="your app closed the connection without a reply", at=self._timeline.now())
        return Reply(title, message.start.status_code, message.headers, message.body, at=self._timeline.now())


class _Polls:
    """One poll after another, each started when the one before has been answered and a moment has passed."""

    def __init__(self, ask: Callable[[], Future[Reply]], loop: Loop, satisfied: Callable[[Reply], bool]) -> None:
        self._ask = ask
        self._loop = loop
        self._satisfied = satisfied
        self._asked = ask()
        self._pause: Future[None] | None = None
        self.last: Reply | None = None
        self.count = 1

    def satisfied_now(self) -> bool:
        """Whether the newest reply satisfies; asks again when it is time to."""
        if self._pause is not None:
            if self._pause.done():
                self._asked, self._pause = self._ask(), None
                self.count += 1
        elif self._asked.done():
            self.last = self._asked.result()
            if self._satisfied(self.last):
                return True
            seconds = POLL_SECONDS[min(self.count, len(POLL_SECONDS)) - 1]
            self._pause = self._loop.start(asyncio.sleep(seconds))
        return False


def _garbage(error: Exception) -> str:
    if isinstance(error, http.TooLarge):
        return f"the reply is larger than {http.MOST_BODY // 1024 // 1024} MiB"
    return f"what your app sent is not a whole HTTP reply ({error})"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ... ({len(text)} characters)"
