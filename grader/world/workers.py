"""The workers beside a service: processes of the same file that take jobs from a queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grader.stage import App

CELERY_QUIET = ("--without-mingle", "--without-gossip", "--without-heartbeat")
"""What workers tell each other: of no use to one that is alone, and it costs each start a second."""
ARQ_POLL_SECONDS = 0.01
"""How often the worker looks into the queue, instead of every half a second."""

Make = Callable[[str, str, Mapping[str, Any]], App]
"""Makes a process, not started yet: of a role, by the name that people call it, with options."""


class Workers:
    """Starts the real commands on the submission's file. All that it returns may be killed, and started again.

    usual: the workers that the exercise has beside its service, each as for ``start``.
    """

    def __init__(self, make: Make, usual: Sequence[Sequence[str]]) -> None:
        self._make = make
        self._usual = usual
        self._launched: list[App] = []

    def launch_usual(self) -> None:
        """Start the exercise's own workers ahead of their first use; returns at once."""
        if not self._launched:
            self._launched = [self.start(*command) for command in self._usual]

    @property
    def usual(self) -> list[App]:
        """The exercise's own workers, which take jobs by now. Raises NotStarted when one never does."""
        self.launch_usual()
        for worker in self._launched:
            worker.wait_listening()
        return self._launched

    def start(self, tool: str, *arguments: str) -> App:
        """Start a worker and return at once; ``wait_listening`` of it waits until it takes jobs.

        tool: ``celery`` (with the arguments of its command line, the first of which is ``worker`` or ``beat``) or
        ``arq`` (without any).
        """
        app = self._arq() if tool == "arq" else self._celery(arguments)
        app.start()
        return app

    def ready(self, tool: str, *arguments: str) -> App:
        """The same, but wait until it takes jobs. Raises NotStarted, with the reason, when it never does."""
        app = self.start(tool, *arguments)
        app.wait_listening()
        return app

    def _celery(self, arguments: tuple[str, ...]) -> App:
        command, *rest = arguments
        quiet = CELERY_QUIET if command == "worker" else ()
        return self._make("celery", f"Celery {command}", {"arguments": [command, *quiet, *rest]})

    def _arq(self) -> App:
        return self._make("arq", "ARQ worker", {"options": {"poll_delay": ARQ_POLL_SECONDS}})
