"""Sends the records from a queue, in a loop that the first broken call ends."""

MISTAKE = "fact 5"
FAILS = ["test_hang_up_costs_no_other_record"]

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


Record = dict[str, str]
waiting: asyncio.Queue[Record] = asyncio.Queue()


async def send_records() -> None:
    async with httpx.AsyncClient(base_url=os.environ["AUDIT_URL"]) as audit:
        while True:
            await audit.post("/records", json=await waiting.get())


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    sender = asyncio.create_task(send_records())
    yield
    sender.cancel()


app = FastAPI(lifespan=lifespan)


async def audit_delete(request: Request, x_user: Annotated[str, Header()]) -> None:
    granted = x_user in EDITORS
    record = {"user": x_user, "path": request.url.path, "outcome": "granted" if granted else "denied"}
    waiting.put_nowait(record)
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
