"""Gathers in a temporary file without a name and copies it when it is whole; what is known is kept in SQLite."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
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


def known(sql: str, *values: object) -> list[tuple[str, str, int]]:
    with contextlib.closing(sqlite3.connect(FOLDER / "files.db")) as database, database:
        return database.execute(sql, values).fetchall()


known("create table if not exists files (id integer primary key, name text, type text, size integer)")


@app.post("/files", status_code=201)
async def upload(
    name: Annotated[str, Query(min_length=1, max_length=255)], request: Request, response: Response
) -> Stored:
    with tempfile.SpooledTemporaryFile(max_size=32 * 1024) as spool:
        async for chunk in request.stream():
            spool.write(chunk)
            if spool.tell() > MAX_BYTES:
                raise HTTPException(413)
        kind, size = request.headers.get("content-type", "application/octet-stream"), spool.tell()
        [(number,)] = known("insert into files (name, type, size) values (?, ?, ?) returning id", name, kind, size)
        spool.seek(0)
        with (FOLDER / str(number)).open("wb") as file:
            shutil.copyfileobj(spool, file)
    response.headers["Location"] = f"/files/{number}"
    return Stored(id=str(number), name=name, type=kind, size=size)


@app.get("/files/{number}")
def download(number: int) -> FileResponse:
    found = known("select name, type, size from files where id = ?", number)
    if not found:
        raise HTTPException(404)
    return FileResponse(FOLDER / str(number), media_type=found[0][1], filename=found[0][0])
