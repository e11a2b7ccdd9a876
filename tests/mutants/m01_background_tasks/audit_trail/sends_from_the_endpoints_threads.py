"""Sends each record from a thread of the pool that the endpoints need as well."""

MISTAKE = "A10"
FAILS = ["test_no_answer_waits_for_the_audit_service"]

import os
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


def send_record(user: str, path: str, outcome: str) -> None:
    with httpx.Client(base_url=os.environ["AUDIT_URL"], timeout=60) as audit:
        audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def audit_delete(request: Request, x_user: Annotated[str, Header()], tasks: BackgroundTasks) -> None:
    """Let editors through and deny everybody else; have a record sent in either case."""
    request.state.tasks = tasks  # FastAPI gives them to the endpoint's response; an exception needs them too
    granted = x_user in EDITORS
    tasks.add_task(send_record, x_user, request.url.path, "granted" if granted else "denied")
    if not granted:
        raise HTTPException(403, "Editors only.")


@app.exception_handler(HTTPException)
async def answer_error(request: Request, error: HTTPException) -> Response:
    response = await http_exception_handler(request, error)
    response.background = getattr(request.state, "tasks", None)
    return response


@app.get("/documents")
def list_documents() -> list[str]:
    return sorted(documents)


@app.delete("/documents/{name}", status_code=204, dependencies=[Depends(audit_delete)])
def delete_document(name: str) -> None:
    documents.discard(name)


@app.delete("/documents", dependencies=[Depends(audit_delete)])
def delete_all(tasks: BackgroundTasks) -> Response:
    # A response carries one list. Given one of its own, it would leave the dependency's behind.
    tasks.add_task(documents.clear)
    return Response(status_code=202)
