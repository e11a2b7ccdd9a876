"""The endpoints add the record, and a denied delete never gets there."""

MISTAKE = "A4"
FAILS = ["test_denied_delete_leaves_a_record"]

import os
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def guard(x_user: Annotated[str, Header()]) -> None:
    if x_user not in EDITORS:
        raise HTTPException(403, "Editors only.")


def audit_delete(
    request: Request, x_user: Annotated[str, Header()], tasks: BackgroundTasks, _: Annotated[None, Depends(guard)]
) -> None:
    tasks.add_task(send_record, x_user, request.url.path, "granted")


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
