"""A route class that joins the lists, whatever the endpoint returns or raises."""

import os
from collections.abc import Awaitable, Callable
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


class AuditedRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        handle = super().get_route_handler()

        async def handle_and_audit(request: Request) -> Response:
            try:
                response = await handle(request)
            except HTTPException as error:
                response = await http_exception_handler(request, error)
            audit, own = getattr(request.state, "tasks", None), response.background
            if audit is not None and own is not audit:
                if own is not None:
                    audit.add_task(own)
                response.background = audit
            return response

        return handle_and_audit


app.router.route_class = AuditedRoute


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def audit_delete(request: Request, x_user: Annotated[str, Header()], tasks: BackgroundTasks) -> None:
    """Let editors through and deny everybody else; have a record sent in either case."""
    request.state.tasks = tasks
    granted = x_user in EDITORS
    tasks.add_task(send_record, x_user, request.url.path, "granted" if granted else "denied")
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
