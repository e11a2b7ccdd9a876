"""The outside world around one running submission: its parts, and what the submission is told of them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from grader.stage import Allowance, App, Launch, Patience, Vitals, Zygote
from grader.world.listening import LOOPBACK, listen_on_loopback, listen_on_unix
from grader.world.loop import Loop
from grader.world.partner import Partner
from grader.world.timeline import Seen, Timeline
from grader.world.tls import AUTHORITY
from grader.world.visitor import Visitor

if TYPE_CHECKING:
    from grader.world.mailbox import Mailbox
    from grader.world.printer import Printer


@dataclass(frozen=True)
class Plan:
    """What a world shall consist of.

    module: the name under which the submission is imported; file: where its source lies.
    folder: one that does not exist yet, for this world alone.
    parts: ``mailbox``, ``printer``; partners: names of HTTP services; settings: environment variables.
    """

    module: str
    file: Path
    folder: Path
    parts: frozenset[str] = frozenset()
    partners: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class World:
    """Everything outside the submission, on one clock; the submission's process is started when it is first needed.

    listener: a socket for the app instead of a Unix socket of the world's own; notice: called with each event;
    tee: called with what the submission prints, as it comes.
    """

    def __init__(
        self,
        plan: Plan,
        zygote: Zygote,
        loop: Loop,
        *,
        allowance: Allowance | None = None,
        listener: socket.socket | None = None,
        notice: Callable[[Seen], None] = lambda _seen: None,
        tee: Callable[[bytes], None] | None = None,
    ) -> None:
        self._plan = plan
        self._zygote = zygote
        self._loop = loop
        self._sockets: list[socket.socket] = []
        self.patience = Patience(self._vitals, loop.tick, allowance)
        self._notice = notice
        self.timeline = Timeline(self._on_seen)
        self._mailbox: Mailbox | None = None
        self._printer: Printer | None = None
        self._partners: dict[str, Partner] = {}
        self._started = False
        self.data = plan.folder / "data"
        self.data.mkdir(parents=True)
        self._open_parts(plan.parts, plan.partners)
        self._listener = listener or self._keep(listen_on_unix(plan.folder / "http"))
        self._app = App(zygote, self._launch(), self._listener, self._note_app, self.patience, tee)
        self.visitor = Visitor(plan.folder / "http", loop, self.timeline, self.patience)

    @property
    def mailbox(self) -> Mailbox:
        """The mail server."""
        if self._mailbox is None:
            from grader.world.mailbox import Mailbox, Security

            security = Security.of(self._plan.settings)
            self._mailbox = Mailbox(self._loop, self.timeline, self.patience, self._listen_on_tcp(), security)
        return self._mailbox

    @property
    def printer(self) -> Printer:
        """The label printer."""
        if self._printer is None:
            from grader.world.printer import Printer

            self._printer = Printer(self._loop, self.timeline, self.patience, self._listen_on_tcp())
        return self._printer

    def partner(self, name: str) -> Partner:
        """A partner's HTTP service; the submission finds it at ``<NAME>_URL``."""
        if name not in self._partners:
            self._partners[name] = Partner(name, self._loop, self.timeline, self.patience, self._listen_on_tcp())
        return self._partners[name]

    def launch(self) -> None:
        """Fork the submission's process ahead of its first use; returns at once."""
        if not self._started:
            self._started = True
            self._app.start()

    @property
    def app(self) -> App:
        """The submission's process; waits until it listens. Raises NotStarted when it never does."""
        self.launch()
        self._app.wait_listening()
        return self._app

    @property
    def output(self) -> str:
        """What the submission has printed so far."""
        return self._app.output

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that the submission is given."""
        data = self.data
        told = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(data),
            "TMPDIR": str(data),
            "LANG": "C.UTF-8",
            "SSL_CERT_FILE": str(AUTHORITY),
            "DATA_DIR": str(data),
            "DATABASE_URL": f"sqlite+aiosqlite:///{data}/app.db",
        }
        if self._mailbox is not None:
            told |= {"SMTP_HOST": LOOPBACK, "SMTP_PORT": str(self._mailbox.port)}
        if self._printer is not None:
            told |= {"PRINTER_HOST": LOOPBACK, "PRINTER_PORT": str(self._printer.port)}
        told |= {f"{name.upper()}_URL": partner.url for name, partner in self._partners.items()}
        return told | dict(self._plan.settings)

    def close(self) -> None:
        """End the submission's process and every server; nothing is left."""
        self.visitor.hang_up()
        self._app.close()
        parts = [part for part in (self._mailbox, self._printer, *self._partners.values()) if part is not None]
        for part in parts:
            part.gate.open()
            part.close()
        for sock in self._sockets:
            sock.close()

    def _open_parts(self, parts: Iterable[str], partners: Iterable[str]) -> None:
        for part in parts:
            getattr(self, part)
        for name in partners:
            self.partner(name)

    def _launch(self) -> Launch:
        return Launch("serve", self._plan.module, self._plan.file, self.data, self.environment)

    def _on_seen(self, seen: Seen) -> None:
        self.patience.wake()
        self._notice(seen)

    def _vitals(self) -> list[Vitals]:
        return [self._app.vitals()] if self._started else []

    def _note_app(self, text: str) -> None:
        self.timeline.record("app", text)

    def _listen_on_tcp(self) -> socket.socket:
        return self._keep(listen_on_loopback())

    def _keep(self, sock: socket.socket) -> socket.socket:
        self._sockets.append(sock)
        return sock
