"""A pool of threads and a blocking client: no response carries anything."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from starlette.background import BackgroundTask

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()
pool = ThreadPoolExecutor(max_workers=4)


def send_record(user: str, path: str, outcome: str) -> None:
    with httpx.Client(base_url=os.environ["AUDIT_URL"]) as audit:
        audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def audit_delete(request: Request, x_user: Annotated[str, Header()]) -> None:
    """Let editors through and deny everybody else; have a record sent in either case."""
    granted = x_user in EDITORS
    pool.submit(send_record, x_user, request.url.path, "granted" if granted else "denied")
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
