"""Starts a process for each image, as many at once as there are images."""

MISTAKE = "B10"
FAILS = ["test_two_processes_at_the_most"]

import asyncio
import multiprocessing
import os
import shutil
from pathlib import Path
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response, UploadFile
from fastapi.responses import FileResponse
from PIL import Image, ImageOps
from pydantic import BaseModel

MAX_PIXELS = int(os.environ.get("MAX_PIXELS", "25000000"))
FOLDER = Path(os.environ.get("DATA_DIR", "data"))


class Thumbnail(BaseModel):
    id: str
    status: str = "processing"
    reason: str | None = None


thumbnails: dict[str, Thumbnail] = {}


def make_thumbnail(source: Path, target: Path) -> None:
    """Write the thumbnail of one image; runs in a process of the pool. Raises whatever Pillow does."""
    with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:  # reads the header and nothing more
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"The image has more than {MAX_PIXELS} pixels.")
        image.thumbnail((128, 128))  # the first line that decodes
        small = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGB", small.size, "white")
    paper.paste(small, mask=small)  # JPEG knows no transparency
    paper.save(target, "JPEG")


context = multiprocessing.get_context("spawn")


def run(source: Path, target: Path) -> int | None:
    process = context.Process(target=make_thumbnail, args=(source, target))
    process.start()
    process.join()
    return process.exitcode


async def work(thumbnail: Thumbnail, source: Path) -> None:
    status = await asyncio.to_thread(run, source, FOLDER / f"{thumbnail.id}.jpg")
    source.unlink()
    if status == 0:
        thumbnail.status = "ready"
    else:
        thumbnail.status, thumbnail.reason = "failed", f"the process ended with {status}"


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
