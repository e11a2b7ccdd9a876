"""Two consumers take images from a queue; each has a pool of one process, so that a kill costs one image only."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Response, UploadFile
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


def new_pool() -> ProcessPoolExecutor:
    # Not forked: a fork of a server copies locks that other threads hold at that moment.
    return ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))


waiting: asyncio.Queue[tuple[Thumbnail, Path]] = asyncio.Queue()


async def consume() -> None:
    pool = new_pool()
    while True:
        thumbnail, source = await waiting.get()
        for _try in range(2):
            try:
                await work(pool, thumbnail, source)
                break
            except BrokenProcessPool:
                pool.shutdown(wait=False)
                pool = new_pool()
        else:
            thumbnail.status, thumbnail.reason = "failed", "it killed its process twice"
        await asyncio.to_thread(source.unlink)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    consumers = [asyncio.create_task(consume()) for _ in range(2)]
    yield
    for consumer in consumers:
        consumer.cancel()


async def work(pool: ProcessPoolExecutor, thumbnail: Thumbnail, source: Path) -> None:
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(pool, make_thumbnail, source, FOLDER / f"{thumbnail.id}.jpg")
        thumbnail.status = "ready"
    except BrokenProcessPool:
        raise
    except Exception as error:
        thumbnail.status, thumbnail.reason = "failed", repr(error)


app = FastAPI(lifespan=lifespan)


@app.post("/thumbnails", status_code=202)
async def upload(file: UploadFile, response: Response) -> Thumbnail:
    thumbnail = Thumbnail(id=uuid4().hex)
    thumbnails[thumbnail.id] = thumbnail
    source = FOLDER / f"{thumbnail.id}.upload"
    with source.open("wb") as copy:
        while chunk := await file.read(65536):
            copy.write(chunk)
    waiting.put_nowait((thumbnail, source))
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
