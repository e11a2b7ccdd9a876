"""Thumbnails: whatever comes under the name of an image, the service goes on, and says what became of it.

POST /thumbnails, a form with the file in its field `file`
    202 Accepted, whatever the file is, {"id": "<string>", "status": "processing", "reason": null}, and a Location
    header that leads to GET /thumbnails/{id}. Nobody waits for the image: the file is looked into afterwards.
GET /thumbnails/{id}: 200, the same three fields. The status turns "ready" or "failed"; then `reason` has words on why.
GET /thumbnails/{id}/image: 200, the thumbnail as image/jpeg, once it is ready; 404 before, and when it failed.

- Images are JPEG, PNG, GIF or WebP with 8 bits a channel: grey, with a palette, with transparency, in CMYK, animated.
- The thumbnail is a JPEG, and its longer side has 128 pixels (images here are larger). It keeps the proportions, stands
  upright as the EXIF orientation tells (one of eight, four of them mirrored), is white where the image is transparent,
  and shows the first of several frames.
- What is no such image, whatever its name, what is damaged, and what has more than MAX_PIXELS (width times height; 25
  million unless set) has failed. Too many pixels are never decoded.
- Images are computed in one or two processes beside the server, and the server answers meanwhile.
- Such a process may be killed at any time, at work or between two images. The image that it had fails or is tried once
  more; every later image is worked on as ever.
- When an image is ready or has failed, its upload is deleted.

Files are kept under DATA_DIR. Nothing dawdles: an effect follows its cause within a tenth of a second, apart from the
time for computing and for the start of a process.

Your part is make_thumbnail and work: as they are, they believe every file, and compute on the event loop.
"""

import asyncio
import multiprocessing
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
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
    with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:  # tells the size, and decodes nothing
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"The image has more than {MAX_PIXELS} pixels.")
        image.thumbnail((128, 128))  # the first line that decodes
        small = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGB", small.size, "white")
    paper.paste(small, mask=small)  # JPEG knows no transparency
    paper.save(target, "JPEG")


def new_pool() -> ProcessPoolExecutor:
    # Not forked: a fork of a server copies locks that other threads hold at that moment.
    return ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context("spawn"))


pool: ProcessPoolExecutor


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    global pool
    pool = new_pool()  # here, and not when the file is imported: the pool's processes import it as well
    yield
    pool.shutdown(cancel_futures=True)


async def in_pool(source: Path, target: Path) -> None:
    """Run make_thumbnail beside the server. Raises what it raises, BrokenProcessPool when its process dies twice."""
    global pool
    for last_try in (False, True):
        used = pool
        try:
            await asyncio.get_running_loop().run_in_executor(used, make_thumbnail, source, target)
            break
        except BrokenProcessPool:  # one process was killed, and with it the pool refuses everything that comes
            if pool is used:  # nobody else has replaced it yet
                pool = new_pool()
            if last_try:
                raise


async def work(thumbnail: Thumbnail, source: Path) -> None:
    try:
        await in_pool(source, FOLDER / f"{thumbnail.id}.jpg")
        thumbnail.status = "ready"
    except Exception as error:  # noqa: BLE001 - whatever it was, it is this image's failure and nobody else's
        thumbnail.status, thumbnail.reason = "failed", f"no thumbnail could be made ({type(error).__name__})"
    finally:
        source.unlink()  # noqa: ASYNC240 - it is quick; and it is here because the pool's process may be killed


app = FastAPI(lifespan=lifespan)


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
