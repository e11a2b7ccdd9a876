"""The outside world around one running submission."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.stage import Allowance, App, Launch, Patience, Vitals, Zygote
from grader.stage.folder import laying_out
from grader.world.clock import Clock
from grader.world.listening import listen_on_unix
from grader.world.loop import Loop
from grader.world.parts import Parts, Surroundings
from grader.world.redis_servers import Servers
from grader.world.timeline import Seen, Timeline
from grader.world.tls import AUTHORITY
from grader.world.visitor import Visitor
from grader.world.workers import Workers

if TYPE_CHECKING:
    from grader.world.mailbox import Mailbox
    from grader.world.partner import Partner
    from grader.world.payments import Payments
    from grader.world.printer import Printer
    from grader.world.redis import Redis


@dataclass(frozen=True)
class Plan:
    """What a world shall consist of.

    module: the name under which the submission is imported; file: where its source lies.
    folder: one that does not exist yet, for this world alone.
    parts: names of parts and of partners' HTTP services; settings: environment variables.
    workers: what runs beside the service, each as for ``Workers.start``.
    """

    module: str
    file: Path
    folder: Path
    parts: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    workers: tuple[tuple[str, ...], ...] = ()


class Instance(NamedTuple):
    """One process of the service, and a visitor who talks to that one."""

    app: App
    visitor: Visitor


class World:
    """Everything outside the submission, on one clock; the submission's process is started when it is first needed.

    Raises FolderDeleted when its folder goes away while it is made.

    servers: where Redis is borrowed; listener: a socket for the app instead of a Unix socket of the world's own;
    notice: called with each event; tee: called with what the submission prints, as it comes.
    """

    def __init__(
        self,
        plan: Plan,
        zygote: Zygote,
        loop: Loop,
        servers: Servers,
        *,
        allowance: Allowance | None = None,
        listener: socket.socket | None = None,
        notice: Callable[[Seen], None] = lambda _seen: None,
        tee: Callable[[bytes], None] | None = None,
    ) -> None:
        self._plan = plan
        self._zygote = zygote
        self._loop = loop
        self._notice = notice
        self._tee = tee
        self._started = False
        self.patience = Patience(self._vitals, loop.tick, allowance)
        self.timeline = Timeline(self._on_seen)
        self.clock = Clock(self.timeline)
        self.workers = Workers(self._make_process, plan.workers)
        self.data = plan.folder / "data"
        self._around = Surroundings(loop, self.timeline, self.patience, plan.settings, servers)
        listener = self._lay_out(listener)  # while nothing else is open yet: it may fail
        self._parts = Parts(self._around)
        for name in plan.parts:
            self._parts.get(name)
        self._instances = [self._make_instance(0, listener)]
        self._processes: list[App] = []

    @property
    def mailbox(self) -> Mailbox:
        """The mail server."""
        part: Mailbox = self._part("mailbox")
        return part

    @property
    def printer(self) -> Printer:
        """The label printer."""
        part: Printer = self._part("printer")
        return part

    @property
    def payments(self) -> Payments:
        """The payment provider."""
        part: Payments = self._part("payments")
        return part

    @property
    def redis(self) -> Redis:
        """The Redis server."""
        part: Redis = self._part("redis")
        return part

    def partner(self, name: str) -> Partner:
        """A partner's HTTP service; the submission finds it at ``<NAME>_URL``."""
        part: Partner = self._part(name)
        return part

    @property
    def visitor(self) -> Visitor:
        """An HTTP client of the submission's; it does not start it."""
        return self._instances[0].visitor

    def launch(self) -> None:
        """Fork the submission's process ahead of its first use; returns at once."""
        if not self._started:
            self._started = True
            self._instances[0].app.start()

    @property
    def app(self) -> App:
        """The submission's process; waits until it listens. Raises NotStarted when it never does."""
        self.launch()
        self._instances[0].app.wait_listening()
        return self._instances[0].app

    def instance(self) -> Instance:
        """One more process of the same service, with the same data and settings; waits until it listens.

        Raises NotStarted when it never does.
        """
        number = len(self._instances)
        instance = self._make_instance(number, self._listen(number))
        self._instances.append(instance)
        instance.app.start()
        instance.app.wait_listening()
        return instance

    def process(self, *arguments: str) -> App:
        """Run the submission's file as a program with these arguments, beside its service; returns at once."""
        process = self._make_process("script", "app", {"arguments": list(arguments)})
        process.start()
        return process

    @property
    def output(self) -> str:
        """What the submission's processes have printed so far."""
        return "".join(app.output for app in self._apps())

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that the submission is given."""
        data = str(self.data)
        told = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": data,
            "TMPDIR": data,
            "LANG": "C.UTF-8",
            "SSL_CERT_FILE": str(AUTHORITY),
            "DATA_DIR": data,
            "DATABASE_URL": f"sqlite+aiosqlite:///{data}/app.db",
        }
        return told | self._parts.environment | dict(self._plan.settings)

    def close(self) -> None:
        """End the submission's processes and every server; nothing is left."""
        for instance in self._instances:
            instance.visitor.hang_up()
        for app in self._apps():
            app.close()
        self._parts.close()

    def _part(self, name: str) -> Any:
        return self._parts.get(name)

    def _apps(self) -> list[App]:
        return [*(instance.app for instance in self._instances), *self._processes]

    def _make_instance(self, number: int, listener: socket.socket) -> Instance:
        app = App(self._zygote, self._launch(), listener, self._note, self.patience, self._tee)
        return Instance(app, Visitor(self._path(number), self._loop, self.timeline, self.patience))

    def _lay_out(self, listener: socket.socket | None) -> socket.socket:
        with laying_out():
            self.data.mkdir(parents=True)
        return listener or self._listen(0)

    def _listen(self, number: int) -> socket.socket:
        with laying_out():
            listener = listen_on_unix(self._path(number))
        self._around.sockets.append(listener)
        return listener

    def _path(self, number: int) -> Path:
        return self._plan.folder / f"http{number}"

    def _make_process(self, role: str, who: str, options: Mapping[str, Any]) -> App:
        launch = replace(self._launch(), role=role, who=who, options=options)
        process = App(self._zygote, launch, None, self._note, self.patience, self._tee)
        self._processes.append(process)
        return process

    def _launch(self) -> Launch:
        plan = self._plan
        return Launch("serve", plan.module, plan.file, self.data, self.environment, clock=self.clock.setting)

    def _on_seen(self, seen: Seen) -> None:
        self.patience.wake()
        self._notice(seen)

    def _vitals(self) -> list[Vitals]:
        return [app.vitals() for app in self._apps() if app.pid]

    def _note(self, text: str) -> None:
        self.timeline.record("app", text)
