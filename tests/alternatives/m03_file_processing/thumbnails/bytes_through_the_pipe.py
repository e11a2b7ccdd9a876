"""Keeps nothing on the disk: bytes go to the pool and come back, and tasks of its own watch over it."""

import asyncio
import io
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response, UploadFile
from PIL import Image, ImageOps
from pydantic import BaseModel

MAX_PIXELS = int(os.environ.get("MAX_PIXELS", "25000000"))


class Thumbnail(BaseModel):
    id: str
    status: str = "processing"
    reason: str | None = None


thumbnails: dict[str, Thumbnail] = {}


images: dict[str, bytes] = {}
tasks: set[asyncio.Task[None]] = set()


def make_thumbnail(content: bytes) -> bytes:
    image = Image.open(io.BytesIO(content))
    if image.format not in ("JPEG", "PNG", "GIF", "WEBP"):
        raise ValueError("Such images are not taken.")
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise ValueError("The image is too large.")
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.thumbnail((128, 128), Image.Resampling.LANCZOS)
    whole = Image.alpha_composite(Image.new("RGBA", upright.size, (255, 255, 255, 255)), upright).convert("RGB")
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=85)
    return file.getvalue()


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


async def work(thumbnail: Thumbnail, content: bytes, tries: int = 2) -> None:
    global pool
    used = pool
    try:
        future = used.submit(make_thumbnail, content)
        images[thumbnail.id] = await asyncio.wrap_future(future)
        thumbnail.status = "ready"
    except BrokenProcessPool:
        if pool is used:
            pool = new_pool()
        if tries > 1:
            return await work(thumbnail, content, tries - 1)
        thumbnail.status, thumbnail.reason = "failed", "it breaks the pool"
    except Exception as error:
        thumbnail.status, thumbnail.reason = "failed", str(error)


app = FastAPI(lifespan=lifespan)


@app.post("/thumbnails", status_code=202)
async def upload(file: UploadFile, response: Response) -> Thumbnail:
    thumbnail = Thumbnail(id=uuid4().hex)
    thumbnails[thumbnail.id] = thumbnail
    task = asyncio.create_task(work(thumbnail, await file.read()))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    response.headers["Location"] = f"/thumbnails/{thumbnail.id}"
    return thumbnail


@app.get("/thumbnails/{thumbnail_id}")
async def read_thumbnail(thumbnail_id: str) -> Thumbnail:
    if thumbnail_id not in thumbnails:
        raise HTTPException(404)
    return thumbnails[thumbnail_id]


@app.get("/thumbnails/{thumbnail_id}/image")
async def read_image(thumbnail_id: str) -> Response:
    if thumbnail_id not in thumbnails or thumbnails[thumbnail_id].status != "ready":
        raise HTTPException(404)
    return Response(images[thumbnail_id], media_type="image/jpeg")
