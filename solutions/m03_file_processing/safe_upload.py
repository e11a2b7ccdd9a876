"""The safe upload: a stranger chooses the name, the type and the size, and the service stays in charge of its disk.

POST /files?name=report.pdf, the file itself as the body (no form), its media type as the Content-Type
    201 {"id": "<string>", "name": "report.pdf", "type": "application/pdf", "size": 1234}, size in bytes, and a Location
    header that leads to the file. Every upload is a file of its own, also when its name, or its bytes, came before.
    413 as soon as more than MAX_BYTES have come (or before, when so many are announced): the rest is not waited for.
GET /files/{id}: 200, the bytes, the Content-Type that they came with, parameters and all (a text without a charset may
    be given one), and Content-Disposition: attachment with the client's name in it. 404 when there is none.

- A name is 1 to 255 characters, whatever they are. It is shown, and never decides where something is written.
- Every size is taken, from 0 to exactly MAX_BYTES.
- A process uses some MB of memory for an upload, however large that is.
- What was refused, or broken off by the client, leaves nothing on the disk.

Files are kept under DATA_DIR; that and MAX_BYTES are in the environment. Nothing dawdles: an effect follows its cause
within a tenth of a second.

Your part is upload: as it is, it believes every word of the client's.
"""

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
    return FileResponse(paths[file_id], filename=files[file_id].name, headers={"Content-Type": files[file_id].type})
