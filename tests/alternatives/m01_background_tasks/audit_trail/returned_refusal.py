"""The guard decides and adds the record; the endpoints return the refusal, which carries it."""

import os
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def audit_delete(request: Request, x_user: Annotated[str, Header()], tasks: BackgroundTasks) -> bool:
    granted = x_user in EDITORS
    tasks.add_task(send_record, x_user, request.url.path, "granted" if granted else "denied")
    return granted


Granted = Annotated[bool, Depends(audit_delete)]
REFUSAL = {"detail": "Editors only."}


@app.get("/documents")
def list_documents() -> list[str]:
    return sorted(documents)


@app.delete("/documents/{name}", response_model=None)
def delete_document(name: str, granted: Granted) -> Response:
    if not granted:
        return JSONResponse(REFUSAL, status_code=403)
    documents.discard(name)
    return Response(status_code=204)


@app.delete("/documents")
def delete_all(tasks: BackgroundTasks, granted: Granted) -> Response:
    if not granted:
        return JSONResponse(REFUSAL, status_code=403)
    # A response carries one list. Given one of its own, it would leave the dependency's behind.
    tasks.add_task(documents.clear)
    return Response(status_code=202)
