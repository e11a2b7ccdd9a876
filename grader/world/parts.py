"""The parts of a world, opened when they are first asked for."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from grader.stage import Patience
from grader.world.listening import listen_on_loopback
from grader.world.loop import Loop
from grader.world.partner import Partner
from grader.world.redis_servers import Servers
from grader.world.timeline import Timeline


class Part(Protocol):
    """What every part of the world can do."""

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told of it."""
        ...

    def close(self) -> None:
        """Stop serving."""
        ...


@dataclass
class Surroundings:
    """What a part needs to exist.

    settings: the submission's own, which a part may have to fit; servers: where a Redis server is borrowed.
    """

    loop: Loop
    timeline: Timeline
    patience: Patience
    settings: Mapping[str, str]
    servers: Servers
    sockets: list[socket.socket] = field(default_factory=list)

    def listener(self) -> socket.socket:
        """A socket on a free port of loopback, closed with the world."""
        sock = listen_on_loopback()
        self.sockets.append(sock)
        return sock


def _mailbox(around: Surroundings) -> Part:
    from grader.world.mailbox import Mailbox, Security

    return Mailbox(around.loop, around.timeline, around.patience, around.listener(), Security.of(around.settings))


def _printer(around: Surroundings) -> Part:
    from grader.world.printer import Printer

    return Printer(around.loop, around.timeline, around.patience, around.listener())


def _payments(around: Surroundings) -> Part:
    from grader.world.payments import Payments

    return Payments(around.loop, around.timeline, around.patience, around.listener())


def _redis(around: Surroundings) -> Part:
    from grader.world.redis import Redis

    return Redis(around.servers, around.timeline, around.patience, around.loop)


MAKERS: dict[str, Callable[[Surroundings], Part]] = {
    "mailbox": _mailbox,
    "printer": _printer,
    "payments": _payments,
    "redis": _redis,
}
"""The parts that exist by name; every other name is a partner's HTTP service."""


class Parts:
    """The parts of one world by name."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._open: dict[str, Part] = {}

    def get(self, name: str) -> Part:
        """The part of that name, opened now if it is not open yet."""
        if name not in self._open:
            make = MAKERS.get(name)
            self._open[name] = make(self._around) if make else self._partner(name)
        return self._open[name]

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told of the parts that are open."""
        return {name: value for part in self._open.values() for name, value in part.environment.items()}

    def close(self) -> None:
        """Close all parts and their sockets."""
        for part in self._open.values():
            part.close()
        for sock in self._around.sockets:
            sock.close()

    def _partner(self, name: str) -> Partner:
        around = self._around
        return Partner(name, around.loop, around.timeline, around.patience, around.listener())
