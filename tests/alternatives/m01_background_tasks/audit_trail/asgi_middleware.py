"""Pure ASGI middleware posts what the guard left behind, once the application has answered."""

import os
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from starlette.background import BackgroundTask
from starlette.types import ASGIApp, Receive, Scope, Send

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


class Auditor:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if record := scope.get("state", {}).get("record"):
            await send_record(*record)


app.add_middleware(Auditor)


def audit_delete(request: Request, x_user: Annotated[str, Header()]) -> None:
    granted = x_user in EDITORS
    request.state.record = (x_user, request.url.path, "granted" if granted else "denied")
    if not granted:
        raise HTTPException(403, "Editors only.")


@app.get("/documents")
def list_documents() -> list[str]:
    return sorted(documents)


@app.delete("/documents/{name}", status_code=204, dependencies=[Depends(audit_delete)])
def delete_document(name: str) -> None:
    documents.discard(name)


@app.delete("/documents", dependencies=[Depends(audit_delete)])
def delete_all() -> Response:
    return Response(status_code=202, background=BackgroundTask(documents.clear))
