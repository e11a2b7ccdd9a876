"""Computes in a thread of the server's process."""

MISTAKE = "B11"
FAILS = ["test_visitors_are_served_meanwhile", "test_killed_process_is_got_over"]

import asyncio
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
    """Write the thumbnail of one image. Raises whatever Pillow does."""
    with Image.open(source, formats=("JPEG", "PNG", "GIF", "WEBP")) as image:  # reads the header and nothing more
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"The image has more than {MAX_PIXELS} pixels.")
        image.thumbnail((128, 128))  # the first line that decodes
        small = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGB", small.size, "white")
    paper.paste(small, mask=small)  # JPEG knows no transparency
    paper.save(target, "JPEG")


async def in_pool(source: Path, target: Path) -> None:
    await asyncio.to_thread(make_thumbnail, source, target)


async def work(thumbnail: Thumbnail, source: Path) -> None:
    try:
        await in_pool(source, FOLDER / f"{thumbnail.id}.jpg")
        thumbnail.status = "ready"
    except Exception as error:  # noqa: BLE001 - whatever it was, it is this image's failure and nobody else's
        thumbnail.status, thumbnail.reason = "failed", f"no thumbnail could be made ({type(error).__name__})"
    finally:
        source.unlink()  # noqa: ASYNC240 - it is quick


app = FastAPI()


@app.post("/thumbnails", status_code=202)
def upload(file: UploadFile, tasks: BackgroundTasks, response: Response) -> Thumbnail:
    thumbnail = Thumbnail(id=uuid4().hex)
    thumbnails[thumbnail.id] = thumbnail
    source = FOLDER / f"{thumbnail.id}.upload"
    with source.open("wb") as copy:
        shutil.copyfileobj(file.file, copy)
    tasks.add_task(work, thumbnail, source)
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
