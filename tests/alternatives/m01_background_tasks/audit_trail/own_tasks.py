"""Own asyncio tasks, held in a set until they are done, with one client for all of them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from starlette.background import BackgroundTask

EDITORS = {"ada"}
documents = {"notes", "plan", "poem"}
running: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await asyncio.gather(*running, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


async def send_record(user: str, path: str, outcome: str) -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        await audit.post("/records", json={"user": user, "path": path, "outcome": outcome})


async def audit_delete(request: Request, x_user: Annotated[str, Header()]) -> None:
    outcome = "granted" if x_user in EDITORS else "denied"
    task = asyncio.create_task(send_record(x_user, request.url.path, outcome))
    running.add(task)
    task.add_done_callback(running.discard)
    if outcome == "denied":
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
