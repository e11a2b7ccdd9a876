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


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    kind = request.headers.get("content-type", "application/octet-stream")
    content = await request.body()  # Your part: all of it is in memory before anybody asks how much that is,
    if len(content) > MAX_BYTES:
        raise HTTPException(413, f"A file may have {MAX_BYTES} bytes.")
    path = FOLDER / name  # and the client says where it goes.
    path.write_bytes(content)
    stored = Stored(id=uuid4().hex, name=name, type=kind, size=len(content))
    files[stored.id], paths[stored.id] = stored, path
    response.headers["Location"] = f"/files/{stored.id}"
    return stored


@app.get("/files/{file_id}")
def download(file_id: str) -> FileResponse:
    if file_id not in files:
        raise HTTPException(404)
    return FileResponse(paths[file_id], media_type=files[file_id].type, filename=files[file_id].name)
