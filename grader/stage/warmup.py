"""One dummy application, built and called once, so that no child pays for lazy imports and caches."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import uvicorn
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel


class _Body(BaseModel):
    name: str


def _build() -> FastAPI:
    app = FastAPI()

    @app.post("/warm", status_code=202)
    async def warm(body: _Body, tasks: BackgroundTasks) -> dict[str, str]:
        tasks.add_task(len, body.name)
        return {"name": body.name}

    @app.get("/plain")
    def plain() -> dict[str, str]:
        return {}

    return app


async def _call(app: FastAPI, method: str, path: str, body: bytes) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        return None

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)


def drive_dummy_app() -> None:
    """Build an application with a body model, call it, and set up a server's configuration.

    Only coroutine endpoints are called: a ``def`` endpoint would start a thread, and the zygote must have one.
    """
    app = _build()
    asyncio.run(_call(app, "POST", "/warm", b'{"name": "ada"}'))
    app.openapi()
    config = uvicorn.Config(app, log_config=None)
    config.load()
