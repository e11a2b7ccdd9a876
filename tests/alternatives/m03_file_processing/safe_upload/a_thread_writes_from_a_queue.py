"""A thread writes what the endpoint puts into a short queue."""

import asyncio
import os
import queue
import secrets
from pathlib import Path
from typing import Annotated

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


def write_all(path: Path, pieces: queue.Queue[bytes | None]) -> None:
    with path.open("wb") as file:
        while piece := pieces.get():
            file.write(piece)


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    number = len(files) + len(list(FOLDER.iterdir())) + 1
    path = FOLDER / f"{number}-{secrets.token_hex(8)}.bin"
    pieces: queue.Queue[bytes | None] = queue.Queue(4)
    writing = asyncio.get_running_loop().run_in_executor(None, write_all, path, pieces)
    size, whole = 0, False
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BYTES:
                raise HTTPException(413)
            if chunk:
                await asyncio.to_thread(pieces.put, chunk)
        whole = True
    finally:
        await asyncio.to_thread(pieces.put, None)
        await writing
        if not whole:
            path.unlink()
    stored = Stored(
        id=path.stem, name=name, type=request.headers.get("content-type", "application/octet-stream"), size=size
    )
    files[stored.id], paths[stored.id] = stored, path
    response.headers["Location"] = f"/files/{stored.id}"
    return stored


@app.get("/files/{file_id}")
def download(file_id: str) -> FileResponse:
    if file_id not in files:
        raise HTTPException(404)
    return FileResponse(paths[file_id], media_type=files[file_id].type, filename=files[file_id].name)
