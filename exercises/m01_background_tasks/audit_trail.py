"""The audit trail: every delete leaves a record, and no answer waits for it.

GET /documents: 200, the names in a list, such as ["notes", "plan", "poem"].
DELETE /documents/{name}: 204, and the document is gone.
DELETE /documents: 202, and after the response all documents go.

The header X-User says who deletes. Editors may; anybody else gets 403, and nothing is deleted. Every delete is told to
the audit service, once: POST {AUDIT_URL}/records {"user": "ada", "path": "/documents/plan", "outcome": "granted"}, or
"denied" where the answer is 403. The service may be stuck: it takes the connection and says nothing. Even then every
delete is answered at once, the fiftieth too. It may hang up on a record; that costs no other delete its record.
Nothing dawdles: an effect follows its cause within a tenth of a second.

Your part: audit_delete looks right, and yet some deletes leave no record. Mend that, wherever it takes you.
"""

import os
from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI, Header, HTTPException, Request, Response
from starlette.background import BackgroundTask

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
app = FastAPI()


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


def audit_delete(request: Request, x_user: Annotated[str, Header()], tasks: BackgroundTasks) -> None:
    """Let editors through and deny everybody else; have a record sent in either case."""
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
