"""The Redis of the world, as a spec sees it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grader.stage import Patience
from grader.world.listening import LOOPBACK
from grader.world.loop import Loop
from grader.world.redis_gate import Command, WriteGate
from grader.world.redis_line import Line
from grader.world.redis_servers import Servers
from grader.world.timeline import Timeline

if TYPE_CHECKING:
    import redis


class Redis:
    """What a spec sees of the server that the submission uses. Everything in it is bytes and stays bytes."""

    def __init__(self, servers: Servers, timeline: Timeline, patience: Patience, loop: Loop) -> None:
        self._servers = servers
        self._server = servers.borrow()
        self._timeline = timeline
        self._patience = patience
        self._loop = loop
        self._lines: list[Line] = []
        self._port = self._server.port
        self._gate = WriteGate(self._server.client, timeline, patience)

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told."""
        return {"REDIS_URL": self.url}

    def close(self) -> None:
        """Give the server back."""
        self._gate.open()
        for line in self._lines:
            line.close()
        self._servers.give_back(self._server)

    @property
    def url(self) -> str:
        """Where the submission finds it."""
        return f"redis://{LOOPBACK}:{self._port}/0"

    @contextlib.contextmanager
    def line(self) -> Iterator[Line]:
        """Lay a line of its own for an instance that is started meanwhile (``with``); it stays."""
        line = Line(self._loop, self._timeline, self._patience, self._server.port)
        self._lines.append(line)
        self._port = line.port
        try:
            yield line
        finally:
            self._port = self._server.port

    @property
    def client(self) -> redis.Redis:
        """A client of the spec's own; it decodes nothing."""
        return self._server.client

    def keys(self) -> list[bytes]:
        """All keys, sorted."""
        found: Any = self.client.keys("*")
        return sorted(found)

    def held(self) -> WriteGate:
        """Hold (``with``) whatever would change data; what only reads is answered all the while."""
        return self._gate

    def age(self, seconds: float) -> None:
        """Let time pass for all that expires: whatever has less left to live is gone when this returns.

        While the server is held, this takes its place in the row: what came before it came before that time.
        """
        self._timeline.record("redis", f"{seconds:g} s pass for everything that expires")
        commands: list[Command] = []
        for key in self.keys():
            left: Any = self.client.pttl(key)
            if left >= 0 and left <= seconds * 1000:
                commands.append(("DEL", key))
            elif left >= 0:
                commands.append(("PEXPIRE", key, str(int(left - seconds * 1000))))
        if self._gate.shut:
            self._gate.enqueue(commands)
        else:
            for command in commands:
                self.client.execute_command(*command)  # type: ignore[no-untyped-call]

    def go_down(self) -> None:
        """Be as a server that has died: every connection is cut, new ones are refused. The data stays."""
        self._timeline.record("redis", "is down: connections are cut, and refused")
        self._server.go_down()

    def fall_silent(self) -> None:
        """Be as a server that hangs: it accepts connections and answers nothing."""
        self._timeline.record("redis", "answers nobody any more")
        self._server.fall_silent()

    def come_back(self) -> None:
        """Serve again, with the data from before."""
        self._timeline.record("redis", "is back")
        self._server.come_back()

    def drop_the_dead(self) -> None:
        """Cut off whoever waits in a blocking command: a killed worker's BRPOP would swallow the next message."""
        clients: Any = self.client.client_list()
        for client in clients:
            if "b" in client["flags"]:
                self.client.client_kill_filter(_id=client["id"])

    def note(self, text: str) -> None:
        """Put into the timeline what was done to the data, for whoever knows what the data mean."""
        self._timeline.record("redis", text)

    def longest_left(self) -> float | None:
        """Seconds until the last of the keys that expire is gone; None when one of them never expires."""
        left: list[Any] = [self.client.pttl(key) for key in self.keys()]
        return None if any(one < 0 for one in left) else max(left, default=0) / 1000
