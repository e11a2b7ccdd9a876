"""A submission's process without a world around it."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from grader.stage import App, Launch, Patience, Zygote
from grader.world.listening import listen_on_unix

PATIENT = 30.0
"""Seconds of idleness granted to what must come."""
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
SERVICE = """
    import os
    from fastapi import FastAPI
    app = FastAPI()

    @app.get("/")
    def hello():
        return {"pid": os.getpid()}
"""


class Staged(App):
    """An app that remembers what was noticed, and is asked over its socket."""

    notices: list[str]
    socket: Path

    def ask(self, path: str = "/") -> bytes:
        """GET a path; the whole response, or as much of it as came."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENT)
            line.connect(str(self.socket))
            line.sendall(f"GET {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: line.recv(65536), b""))

    def waits_until(self, outcome: Callable[[], object]) -> bool:
        """Wait for something that must come to pass."""
        return bool(self.patience.until(outcome, idle=PATIENT))


@contextmanager
def staged(
    zygote: Zygote, source: str, role: str = "serve", environment: Mapping[str, str] = ENVIRONMENT, **options: Any
) -> Iterator[Staged]:
    """Start a process for some source; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(dir=zygote.root))  # a Unix socket's path must be short
    file = folder / "mine.py"
    file.write_text(dedent(source), encoding="utf-8")
    launch = Launch(role, "mine", file, folder / "data", environment, options)
    notices: list[str] = []
    with closing(listen_on_unix(folder / "http")) as listener:
        app = Staged(zygote, launch, listener, notices.append, Patience(lambda: [app.vitals()]))
        app.notices, app.socket = notices, folder / "http"
        try:
            app.start()
            yield app
        finally:
            app.close()


@contextmanager
def serving(zygote: Zygote, source: str = SERVICE) -> Iterator[Staged]:
    """The same, listening already."""
    with staged(zygote, source) as app:
        app.wait_listening()
        yield app


def called(zygote: Zygote, source: str, *arguments: Any, environment: Mapping[str, str] = ENVIRONMENT) -> Any:
    """What the function ``main`` of some source returns."""
    with staged(zygote, source, "call", environment, function="main", arguments=list(arguments)) as app:
        return app.result(idle=PATIENT)
