"""Looks at the announced length first, counts all the same, and renames the whole file at the end."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.concurrency import run_in_threadpool
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
) -> JSONResponse:
    if int(request.headers.get("content-length", "0")) > MAX_BYTES:
        raise HTTPException(413, "Too much is announced.")
    kind = request.headers.get("content-type") or "application/octet-stream"
    descriptor, part = tempfile.mkstemp(suffix=".part", dir=FOLDER)
    with os.fdopen(descriptor, "wb") as file, contextlib.ExitStack() as undo:
        undo.callback(os.unlink, part)
        size = 0
        async for chunk in request.stream():
            if (size := size + len(chunk)) > MAX_BYTES:
                return JSONResponse({"detail": "Too much has come."}, 413)
            await run_in_threadpool(file.write, chunk)
        file.flush()
        undo.pop_all()
    path = Path(part).with_suffix(".file")
    os.replace(part, path)
    stored = Stored(id=path.stem, name=name, type=kind, size=size)
    files[stored.id], paths[stored.id] = stored, path
    return JSONResponse(
        stored.model_dump(), 201, headers={"Location": str(request.url_for("download", file_id=stored.id))}
    )


@app.get("/files/{file_id}")
def download(file_id: str) -> FileResponse:
    if file_id not in files:
        raise HTTPException(404)
    return FileResponse(paths[file_id], media_type=files[file_id].type, filename=files[file_id].name)
