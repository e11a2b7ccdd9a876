"""Leaves it to the process to delete the upload: whoever kills the one keeps the other."""

MISTAKE = "D4"
FAILS = ["test_killed_process_is_got_over"]

import asyncio
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
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
    try:
        with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:  # reads the header and nothing more
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"The image has more than {MAX_PIXELS} pixels.")
            image.thumbnail((128, 128))  # the first line that decodes
            small = ImageOps.exif_transpose(image).convert("RGBA")
        paper = Image.new("RGB", small.size, "white")
        paper.paste(small, mask=small)  # JPEG knows no transparency
        paper.save(target, "JPEG")
    finally:
        source.unlink()


def new_pool() -> ProcessPoolExecutor:
    # Not forked: a fork of a server copies locks that other threads hold at that moment.
    return ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))


at_once = asyncio.Semaphore(2)


async def in_pool(source: Path, target: Path) -> None:
    """Run make_thumbnail beside the server, in a pool of its own. Raises what it raises, or BrokenProcessPool."""
    async with at_once:
        pool = new_pool()
        try:
            await asyncio.get_running_loop().run_in_executor(pool, make_thumbnail, source, target)
        finally:
            pool.shutdown(wait=False)


async def work(thumbnail: Thumbnail, source: Path) -> None:
    try:
        await in_pool(source, FOLDER / f"{thumbnail.id}.jpg")
        thumbnail.status = "ready"
    except Exception as error:  # noqa: BLE001 - whatever it was, it is this image's failure and nobody else's
        thumbnail.status, thumbnail.reason = "failed", f"no thumbnail could be made ({type(error).__name__})"


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
