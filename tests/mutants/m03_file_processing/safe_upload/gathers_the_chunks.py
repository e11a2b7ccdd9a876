"""Counts while it reads, and keeps every chunk until the end."""

MISTAKE = "D2"
FAILS = ["test_memory_does_not_grow_with_the_upload"]

import os
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import anyio
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

MAX_BYTES = int(os.environ.get("MAX_BYTES", "1000000"))
FOLDER = Path(os.environ.get("DATA_DIR", "data"), "files")
FOLDER.mkdir(parents=True, exist_ok=True)


class Stored(BaseModel):
    id: str
    name: str
    type: str
    size: int


app = FastAPI()
files: dict[str, Stored] = {}
paths: dict[str, Path] = {}


async def take(request: Request, path: Path) -> int:
    """Write a request's body to a file; return its bytes. Raises HTTPException 413 once there are too many."""
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise HTTPException(413, f"A file may have {MAX_BYTES} bytes.")
        chunks.append(chunk)
    async with await anyio.open_file(path, "wb") as file:
        await file.write(b"".join(chunks))
    return size


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    kind = request.headers.get("content-type", "application/octet-stream")
    file_id = uuid4().hex
    path = FOLDER / file_id  # a name of ours: the client's is data, like the bytes
    try:
        size = await take(request, path)
    except BaseException:  # too much, a full disk, a client that hung up: whatever it was, half a file is no file
        path.unlink(missing_ok=True)
        raise
    stored = Stored(id=file_id, name=name, type=kind, size=size)
    files[stored.id], paths[stored.id] = stored, path
    response.headers["Location"] = f"/files/{stored.id}"
    return stored


@app.get("/files/{file_id}")
def download(file_id: str) -> FileResponse:
    if file_id not in files:
        raise HTTPException(404)
    return FileResponse(paths[file_id], media_type=files[file_id].type, filename=files[file_id].name)
