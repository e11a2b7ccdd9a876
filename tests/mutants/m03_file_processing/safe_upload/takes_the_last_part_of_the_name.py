"""Keeps the last part of the name only, which may be ".." or too long, and may have been there before."""

MISTAKE = "D3"
FAILS = ["test_no_name_leads_out_of_the_folder", "test_same_name_twice_gives_two_files"]

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
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():  # the client is read no faster than the disk takes it
            size += len(chunk)
            if size > MAX_BYTES:  # counted, not announced: a chunked body has no Content-Length
                raise HTTPException(413, f"A file may have {MAX_BYTES} bytes.")
            await file.write(chunk)
    return size


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    kind = request.headers.get("content-type", "application/octet-stream")
    file_id = uuid4().hex
    path = FOLDER / Path(name).name
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
