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

import os
import shutil
from pathlib import Path
from uuid import uuid4

from fastapi import BackgroundTasks, FastAPI, HTTPException, Response, UploadFile
from fastapi.responses import FileResponse
from PIL import Image
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
    with Image.open(source) as image:  # Your part: whatever it is, and however large,
        image.thumbnail((128, 128))
        image.save(target, "JPEG")  # and as it lies in the file.


async def work(thumbnail: Thumbnail, source: Path) -> None:
    try:
        make_thumbnail(source, FOLDER / f"{thumbnail.id}.jpg")  # Your part: nobody is served meanwhile,
        thumbnail.status = "ready"  # and the upload stays where it is.
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
