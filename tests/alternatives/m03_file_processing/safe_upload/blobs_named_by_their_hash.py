"""Stores bytes under their hash and what is known of an upload in a file of its own; plain writes of what came."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
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


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    work = FOLDER / f"{uuid4()}.tmp"
    digest, size = sha256(), 0
    try:
        with work.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BYTES:
                    raise HTTPException(413, "Too large.")
                digest.update(chunk)
                file.write(chunk)
        work.replace(FOLDER / digest.hexdigest())
    finally:
        work.unlink(missing_ok=True)
    kind = request.headers.get("content-type", "application/octet-stream")
    stored = Stored(id=str(uuid4()), name=name, type=kind, size=size)
    (FOLDER / f"{stored.id}.json").write_text(stored.model_dump_json() + digest.hexdigest())
    response.headers["Location"] = f"{request.base_url}files/{stored.id}"
    return stored


@app.get("/files/{file_id}")
async def download(file_id: str) -> StreamingResponse:
    try:
        known = (FOLDER / f"{UUID(file_id)}.json").read_text()
    except (ValueError, OSError):
        raise HTTPException(404) from None
    stored = Stored.model_validate_json(known[:-64])
    name = quote(stored.name, safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"file\"; filename*=UTF-8''{name}"}
    return StreamingResponse((FOLDER / known[-64:]).open("rb"), media_type=stored.type, headers=headers)
