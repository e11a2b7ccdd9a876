"""The roles that a submission's process can play."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import uvicorn

from grader.stage import workers
from grader.stage.missing import Missing

if TYPE_CHECKING:
    from grader.stage.child import Status


class StartupFailed(Exception):
    """The application's start-up, its lifespan, ended with an error: the cause."""


class _Watched:
    """The application, with an eye on what its lifespan raises: uvicorn only logs that."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.cause: BaseException | None = None

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        handled = self._app(scope, receive, send)
        return self._watch(handled) if scope["type"] == "lifespan" else handled

    async def _watch(self, lifespan: Awaitable[None]) -> None:
        try:
            await lifespan
        except BaseException as error:
            self.cause = error
            raise


class _Server(uvicorn.Server):
    """uvicorn, saying when it listens."""

    def __init__(self, config: uvicorn.Config, status: Status) -> None:
        super().__init__(config)
        self._status = status

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._status.say("listening")


def serve(module: ModuleType, request: dict[str, Any], listeners: list[int], status: Status) -> int:
    """Run the submission's ``app`` under uvicorn on a socket that already listens."""
    app = getattr(module, "app", None)
    if app is None:
        raise Missing("There is no `app` in your file: the server looks for a FastAPI object of that name.")
    if not callable(app):
        raise Missing(
            f"`app` in your file is of type {type(app).__name__}, not an application: make it a FastAPI object."
        )
    sockets = [socket.socket(fileno=descriptor) for descriptor in listeners]
    config = uvicorn.Config(app, access_log=request.get("access_log", False), use_colors=False)
    config.load()
    watched = config.loaded_app = _Watched(config.loaded_app)
    server = _Server(config, status)
    try:
        server.run(sockets=sockets)
    except SystemExit:
        if server.started or watched.cause is None:
            raise
        raise StartupFailed from watched.cause
    return 0


def call(module: ModuleType, request: dict[str, Any], _listeners: list[int], status: Status) -> int:
    """Call one function of the submission with JSON arguments; its result goes back as JSON."""
    function = getattr(module, request["function"], None)
    if not callable(function):
        raise Missing(f"There is no function `{request['function']}` in your file.")
    result = function(*request["arguments"])
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    status.say("result", value=result)
    return 0


def script(_module: ModuleType, _request: dict[str, Any], _listeners: list[int], _status: Status) -> int:
    """Nothing more: the file has been run as a program."""
    return 0


ROLES: dict[str, Callable[[ModuleType, dict[str, Any], list[int], Status], int]] = {
    "serve": serve,
    "call": call,
    "script": script,
    "celery": workers.celery,
    "arq": workers.arq,
}
