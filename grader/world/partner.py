"""A partner's HTTP service: it notes every call, and can be stuck, fail, or hang up."""

from __future__ import annotations

import asyncio
import json as jsonlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import h11

from grader.errors import Unmet
from grader.stage import Patience
from grader.world import http
from grader.world.gate import Gate
from grader.world.listening import LOOPBACK, start_listening, stop_listening
from grader.world.loop import Loop
from grader.world.request import CHUNK
from grader.world.strict import strict_json
from grader.world.timeline import Timeline

PATIENCE = 0.15
SHOWN = 160
ROOM = 64 * 1024 * 1024
"""Bytes of requests that are kept: a flood must not fill the grader's memory."""
OVERHEAD = 4096


@dataclass(frozen=True)
class PartnerCall:
    """One request that the submission made."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = b""
    at: float = 0.0

    @property
    def json(self) -> Any:
        """The body as JSON, read strictly; None when it is not JSON."""
        try:
            return strict_json(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str, kind: type | None = None) -> Any:
        """One field of the JSON object that was sent. Raises Unmet when it is missing or not of that exact type."""
        document = self.json
        if not isinstance(document, dict) or name not in document:
            raise Unmet(f'{self.method} {self.path} came without a field "{name}": {self.body[:SHOWN]!r}')
        if kind is not None and type(document[name]) is not kind:
            raise Unmet(f'{self.method} {self.path}: "{name}" is not of type {kind.__name__}: {self.body[:SHOWN]!r}')
        return document[name]


@dataclass
class Answer:
    """What the service says to a call.

    times: how often it is said before the answer in force earlier returns; None: from now on.
    hang_up: say nothing and close the connection.
    """

    status: int
    json: Any
    times: int | None = None
    hang_up: bool = False


class Partner:
    """An HTTP service on loopback. It answers 200 and ``{}`` unless told otherwise."""

    def __init__(self, name: str, loop: Loop, timeline: Timeline, patience: Patience, listener: socket.socket) -> None:
        self.name = name
        self._loop = loop
        self._timeline = timeline
        self._patience = patience
        self._answers: list[Answer] = [Answer(200, {}, None)]
        self._taken = 0
        self.gate = Gate(loop, timeline, patience)
        self.answer_gate = Gate(loop, timeline, patience)
        self._room = ROOM
        self.calls: list[PartnerCall] = []
        self.port: int = listener.getsockname()[1]
        self._server = loop.wait(self._listen(listener))

    @property
    def url(self) -> str:
        """Where the submission finds it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told."""
        return {f"{self.name.upper()}_URL": self.url}

    def closed(self, at: Literal["call", "answer"] = "call", let: int = 0) -> Gate:
        """Close a gate (``with``): calls are taken, but none is answered until it opens.

        at: ``call``: nothing is done about a call either; ``answer``: what it asks for is done, only the answer waits.
        let: how many calls are answered all the same, the first ones.
        """
        return (self.gate if at == "call" else self.answer_gate).close(let)

    def answer(self, status: int, json: Any = None, times: int | None = None) -> None:
        """Answer so from now on.

        times: only so often, then as before.
        """
        self._answers.append(Answer(status, {} if json is None else json, times))

    def drop(self, times: int | None = None) -> None:
        """Hang up instead of answering from now on, or only so often."""
        self._answers.append(Answer(0, None, times, hang_up=True))

    def next(self, patience: float = PATIENCE) -> PartnerCall:
        """Wait for the next call that has not been taken yet. Raises Unmet when none comes."""
        wanted = self._taken + 1
        if not self._patience.until(lambda: len(self.calls) >= wanted, idle=patience):
            raise Unmet(self._patience.exhausted or f"The {self.name} service was not called.")
        self._taken = wanted
        return self.calls[wanted - 1]

    def expect(self, count: int, patience: float = PATIENCE) -> list[PartnerCall]:
        """Wait until so many calls have come in all, and return all. Raises Unmet when they do not come."""
        if not self._patience.until(lambda: len(self.calls) >= count, idle=patience):
            raise Unmet(
                self._patience.exhausted or f"The {self.name} service was called {len(self.calls)} of {count} times."
            )
        return list(self.calls)

    def close(self) -> None:
        """Stop listening, and let everybody through who still waits."""
        self.gate.open()
        self.answer_gate.open()
        self._loop.wait(self._stop())

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        return await start_listening(self._serve, listener)

    async def _stop(self) -> None:
        await stop_listening(self._server)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while message := await http.read_message(connection, lambda: reader.read(CHUNK), h11.Request):
                await self._answer(connection, writer, message)
                if connection.our_state is h11.MUST_CLOSE or writer.is_closing():
                    break
                connection.start_next_cycle()
        except (OSError, h11.ProtocolError, http.TooLarge):
            self._timeline.record(self.name, "the connection broke off, or did not speak HTTP")
        finally:
            writer.close()

    async def _answer(self, connection: h11.Connection, writer: asyncio.StreamWriter, message: http.Message) -> None:
        if not isinstance(message.start, h11.Request):
            return
        call = PartnerCall(
            message.start.method.decode("latin-1"),
            message.start.target.decode("latin-1"),
            message.headers,
            message.body,
            self._timeline.now(),
        )
        self._room -= len(call.body) + OVERHEAD
        if self._room < 0:
            self._timeline.record(self.name, "answers 507: it has been sent too much")
            await self._reply(connection, writer, call, Answer(507, {}, None))
            return
        self.calls.append(call)
        waits = "; it keeps the call waiting" if self.gate.shut else ""
        body = call.body[:SHOWN].decode("utf-8", "replace")
        self._timeline.record(self.name, f"{call.method} {call.path}  {body}{waits}")
        await self.gate.passage()
        answer = self.respond(call)
        await self.answer_gate.passage()
        await self._reply(connection, writer, call, answer)

    def respond(self, call: PartnerCall) -> Answer:
        """Do what a call asks for, and say what it is answered; a service that does something overrides this."""
        del call
        return self.current_answer()

    def current_answer(self) -> Answer:
        """The answer that the spec asked for; counts how often it is used."""
        answer = self._answers[-1]
        if answer.times is not None:
            answer.times -= 1
            if answer.times <= 0:
                self._answers.pop()
        return answer

    async def _reply(
        self, connection: h11.Connection, writer: asyncio.StreamWriter, call: PartnerCall, answer: Answer
    ) -> None:
        if answer.hang_up:
            self._timeline.record(self.name, "hangs up without an answer")
            writer.transport.abort()
            return
        self._timeline.record(self.name, f"answers {answer.status}")
        bodiless = call.method == "HEAD" or answer.status in {204, 304}
        body = b"" if bodiless else jsonlib.dumps(answer.json).encode()
        writer.write(http.write_response(connection, answer.status, {"content-type": "application/json"}, body))
        await writer.drain()
