"""Sends the record after the yield: an exception gets there before its answer is sent."""

MISTAKE = "fact 3"
FAILS = ["test_no_answer_waits_for_the_audit_service"]

import os
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


async def audit_delete(request: Request, x_user: Annotated[str, Header()]) -> AsyncIterator[None]:
    """Let editors through and deny everybody else; have a record sent in either case."""
    granted = x_user in EDITORS
    try:
        if not granted:
            raise HTTPException(403, "Editors only.")
        yield
    finally:
        await send_record(x_user, request.url.path, "granted" if granted else "denied")


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
