"""Runs a small program for each image; what it prints on the error stream is the reason."""

import asyncio
import os
import shutil
import sys
from pathlib import Path
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel

MAX_PIXELS = int(os.environ.get("MAX_PIXELS", "25000000"))
FOLDER = Path(os.environ.get("DATA_DIR", "data"))


class Thumbnail(BaseModel):
    id: str
    status: str = "processing"
    reason: str | None = None


thumbnails: dict[str, Thumbnail] = {}


PROGRAM = """
import sys
from PIL import Image, ImageOps
source, target, most = sys.argv[1:]
with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:
    if image.width * image.height > int(most):
        sys.exit("too many pixels")
    image.thumbnail((128, 128))
    small = ImageOps.exif_transpose(image).convert("RGBA")
paper = Image.new("RGB", small.size, "white")
paper.paste(small, mask=small)
paper.save(target, "JPEG")
"""


at_once = asyncio.Semaphore(2)


async def work(thumbnail: Thumbnail, source: Path) -> None:
    arguments = [str(source), str(FOLDER / f"{thumbnail.id}.jpg"), str(MAX_PIXELS)]
    async with at_once:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", PROGRAM, *arguments, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await program.communicate()
    source.unlink()
    if program.returncode == 0:
        thumbnail.status = "ready"
    else:
        lines = errors.decode(errors="replace").splitlines()
        thumbnail.status, thumbnail.reason = "failed", lines[-1] if lines else "its process was killed"


app = FastAPI()


@app.post("/thumbnails", status_code=202)
def upload(file: UploadFile, tasks: BackgroundTasks, response: Response) -> Thumbnail:
    thumbnail = Thumbnail(id=uuid4().hex)
    thumbnails[thumbnail.id] = thumbnail
    source = FOLDER / f"{thumbnail.id}.upload"
    with source.open("wb") as copy:
        shutil.copyfileobj(file.file, copy)
    tasks.add_task(work, thumbnail, source)  # the pool is handed a path, not the bytes
    response.headers["Location"] = f"/thumbnails/{thumbnail.id}"
    return thumbnail


@app.get("/thumbnails/{thumbnail_id}")
async def read_thumbnail(thumbnail_id: str) -> Thumbnail:
    if thumbnail_id not in thumbnails:
        raise HTTPException(404)
    return thumbnails[thumbnail_id]


@app.get("/thumbnails/{thumbnail_id}/image")
async def read_image(thumbnail_id: str) -> FileResponse:
    if thumbnail_id not in thumbnails or thumbnails[thumbnail_id].status != "ready":
        raise HTTPException(404)
    return FileResponse(FOLDER / f"{thumbnail_id}.jpg", media_type="image/jpeg")
