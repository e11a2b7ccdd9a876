"""Images by strangers: whatever they are, each comes to an end, and the server is never the one that computes.

Every behaviour but the first waits for a process that its submission starts, which with spawn imports the student's
file: some tenths of a second that the mechanism itself needs.
"""

import contextlib
import io
import struct
from collections.abc import Iterator
from urllib.parse import quote

from PIL import Image, ImageOps

from grader.behaviour import behaviour
from grader.errors import Unmet
from grader.stage import App, Labour
from grader.world import Call, Reply, Request, Visitor, World
from grader.world.disk import files_with
from grader.world.images import plain_png

TRY = ("GET /thumbnails/00000000000000000000000000000000",)
SMALL_CAP = 40_000
SIDE = 128
RED, BLUE, GREEN, WHITE = (230, 20, 20), (20, 20, 230), (20, 200, 20), (255, 255, 255)
NEAR = 60
"""How far a channel may be off: JPEG is lossy, and CMYK has other colours."""
WHERE = {"left": (0.25, 0.5), "right": (0.75, 0.5)}
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
}
"""What has become of the picture in a file that notes this EXIF orientation."""
MARKER = b"the-end-of-an-upload"
"""Follows the image in its file, where no decoder looks, so that a copy of the upload can be told from a thumbnail."""
MOST_CPU = 0.2
"""Seconds. Decoding the bomb takes more than twice that, reading its header a hundredth."""
LARGE_CAP = 80_000_000
HEIGHTS = (5000, 10000, 15000, 15000)
"""Of the large images: a quick machine is done with one before anybody sees who is at work on it, and gets a larger."""

AT_ONCE = 12
MOST_BESIDE = 5
"""Processes: the two that compute, a fork server, a resource tracker, and one more that nobody has thought of."""


def halves(mode: str = "RGB", left: tuple[int, ...] = RED, right: tuple[int, ...] = BLUE) -> Image.Image:
    """Make an image of 300 by 200 pixels, its left half of one colour and its right half of another."""
    image = Image.new(mode, (300, 200), left)
    image.paste(right, (150, 0, 300, 200))
    return image


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a file in that format, the marker after them."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue() + MARKER


def send(visitor: Visitor, content: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> Call:
    """Upload a file without waiting for the answer."""
    return visitor.send(Request.with_file("/thumbnails", name, content, kind, "file", None))


def upload(visitor: Visitor, content: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> str:
    """Upload a file; return where its thumbnail's status is."""
    return status_of(send(visitor, content, name, kind).reply(), name)


def status_of(reply: Reply, name: str = "large.png") -> str:
    """Return where the status of an uploaded image is."""
    assert reply.succeeded, f"{name} was uploaded, and the answer was {reply.shown()}."
    return f"/thumbnails/{quote(reply.field('id', str), safe='')}"


def finished(visitor: Visitor, where: str) -> Reply:
    """Wait until an image is ready or has failed."""
    shown = visitor.until(where, lambda reply: reply.field("status", str) != "processing")
    status = shown.field("status", str)
    assert status in ("ready", "failed"), f'The image never came to an end: its status is "{status}".'
    return shown


def thumbnail(visitor: Visitor, content: bytes, what: str) -> Image.Image:
    """Upload an image that has to become a thumbnail; return that, as a browser shows it."""
    where = upload(visitor, content, what)
    shown = finished(visitor, where)
    assert shown.field("status", str) == "ready", f"No thumbnail was made of {what}: {shown.shown()}."
    reply = visitor.get(f"{where}/image")
    assert reply.status == 200, f"The thumbnail of {what} is ready, and asking for it was answered {reply.status}."
    try:
        made = Image.open(io.BytesIO(reply.body), formats=["JPEG"])
        assert max(made.size) == SIDE, f"The longer side of a thumbnail has {SIDE} pixels; {what} became {made.size}."
        return ImageOps.exif_transpose(made).convert("RGB")
    except (OSError, ValueError, SyntaxError, struct.error):
        raise AssertionError(f"What came as the thumbnail of {what} is no whole JPEG.") from None


def assert_shows(made: Image.Image, what: str, **wanted: tuple[int, int, int]) -> None:
    """See to it that the thumbnail has these colours at the places of ``WHERE``."""
    for place, colour in wanted.items():
        x, y = WHERE[place]
        seen = made.getpixel((int(x * made.width), int(y * made.height)))
        assert isinstance(seen, tuple)
        near = all(abs(one - other) <= NEAR for one, other in zip(seen, colour, strict=True))
        assert near, f"The thumbnail of {what} should be about {colour} on the {place}; it is {seen} there."


def assert_fails(visitor: Visitor, content: bytes, name: str, kind: str) -> None:
    """See to it that an upload fails with words on why, and without a thumbnail."""
    where = upload(visitor, content, name, kind)
    shown = finished(visitor, where)
    assert shown.field("status", str) == "failed", f"{name} was no usable image, and yet: {shown.shown()}."
    assert shown.field("reason", str).strip(), f"{name} failed, and there are no words on why."
    status = visitor.get(f"{where}/image").status
    assert status == 404, f"{name} failed, and asking for its thumbnail was answered {status}."


def photo() -> bytes:
    """Return an ordinary photo."""
    return file_of(halves(), "JPEG")


def large(height: int = HEIGHTS[0]) -> bytes:
    """Return a file whose image takes some tenths of a second to be decoded, the marker after it."""
    return plain_png(4900, height) + MARKER


def assert_no_upload(app: App, world: World, name: str) -> None:
    """See to it that nothing of an upload that is done with is left on the disk."""
    app.patience.until(lambda: not files_with(world.data, MARKER), idle=0.15)
    left = files_with(world.data, MARKER)
    assert not left, f"{name} is done with, and its upload is still on the disk: {left[0].name}."


@behaviour(points=1, hint="Nothing has been looked at yet. Which status says so, and which header where to ask?")
def test_upload_is_accepted(visitor: Visitor) -> None:
    """An upload is answered with 202 Accepted, and its Location leads to the status."""
    reply = visitor.post_file("/thumbnails", "photo.jpg", photo(), "image/jpeg")
    assert reply.status == 202, f"The upload was answered with {reply.shown()}."
    shown = visitor.get(reply.follow())
    assert shown.status == 200, f"Asking at the Location was answered with {shown.shown()}."
    assert shown.field("id", str) == reply.field("id", str), "The Location leads to another image."
    shown.field("status", str)


@behaviour(points=3, hint="Which modes can a picture have, which of them can a JPEG, and what is behind the glass?")
def test_every_kind_of_image_becomes_a_jpeg(visitor: Visitor) -> None:
    """Photos, transparent and palette images, CMYK and animations become small JPEGs in the right colours."""
    glass = halves("RGBA", (*RED, 255), (0, 0, 0, 0))
    frames = [halves("RGB", GREEN, GREEN)]
    kinds = {
        "a photo.jpg": photo(),
        "a transparent.png": file_of(glass, "PNG"),
        "a CMYK.jpg": file_of(halves().convert("CMYK"), "JPEG"),
        "a palette.png": file_of(glass.quantize(16), "PNG"),
        "an animated.gif": file_of(halves(), "GIF", save_all=True, append_images=frames, duration=100),
    }
    for what, content in kinds.items():
        made = thumbnail(visitor, content, what)
        assert abs(made.height - SIDE * 2 / 3) <= 1, f"{what}, 300 by 200, became {made.width} by {made.height}."
        see_through = what in ("a transparent.png", "a palette.png")
        assert_shows(made, what, left=RED, right=WHITE if see_through else BLUE)


@behaviour(points=2, hint="How does a camera note that it was held sideways, and who reads that note in the end?")
def test_photo_stands_upright(visitor: Visitor) -> None:
    """A photo that was taken sideways, upside down or mirrored stands upright in its thumbnail."""
    for orientation, stored in STORED.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        what = f"a photo with orientation {orientation}.jpg"
        made = thumbnail(visitor, file_of(halves().transpose(stored), "JPEG", exif=exif), what)
        assert made.width > made.height, f"{what} is 300 by 200 when upright; it became {made.width} by {made.height}."
        assert_shows(made, what, left=RED, right=BLUE)


@behaviour(points=3, hint="Of how many kinds can the error be, and which line writes down that there was one?")
def test_what_is_no_image_fails_alone(visitor: Visitor) -> None:
    """Text called .png and a damaged photo fail with a reason, and the next image is ready."""
    damaged = file_of(Image.effect_noise((300, 200), 90), "JPEG")
    assert_fails(visitor, b"This is not a picture.\n" + MARKER, "notes.png", "image/png")
    assert_fails(visitor, damaged[: len(damaged) // 2], "damaged.jpg", "image/jpeg")
    thumbnail(visitor, photo(), "the next photo.jpg")


@behaviour(
    points=3,
    hint="How large is an image in memory, and at which point is that known at the latest?",
    settings={"MAX_PIXELS": str(SMALL_CAP)},
)
def test_too_many_pixels_are_never_decoded(visitor: Visitor, app: App) -> None:
    """An image of MAX_PIXELS is taken; one with more pixels fails, and without being decoded."""
    thumbnail(visitor, file_of(Image.new("RGB", (200, 200), RED), "PNG"), "200 by 200.png (MAX_PIXELS=40000)")
    costs = []
    for name, content in (
        ("201 by 200.png (MAX_PIXELS=40000)", file_of(Image.new("RGB", (201, 200), RED), "PNG")),
        ("13000 by 13000.png (MAX_PIXELS=40000)", plain_png(13000, 13000, colour=False)),
    ):
        app.settle(0.03)  # a pool that has not noticed yet that a process is idle would start another
        before = app.vitals().cpu
        assert_fails(visitor, content, name, "image/png")
        app.settle(0.03)
        costs.append(app.vitals().cpu - before)
    more = costs[1] - costs[0]  # what a process costs that is started for each image is in both
    assert more < MOST_CPU, f"169 million pixels were refused after {more:.1f} s of computing: they were decoded."


@behaviour(points=2, hint="By which ways can the work on an image end, and which line do all of them pass?")
def test_upload_is_not_left_on_the_disk(visitor: Visitor, app: App, world: World) -> None:
    """When an image is ready or has failed, its upload is gone from the disk."""
    for name, content in (("photo.jpg", photo()), ("notes.png", b"This is not a picture.\n" + MARKER)):
        finished(visitor, upload(visitor, content, name))
        assert_no_upload(app, world, name)


@behaviour(points=2, hint="Who counts the processes, and what does an image do while there are enough of them?")
def test_two_processes_at_the_most(visitor: Visitor, app: App) -> None:
    """However many images come at once, one or two processes compute them."""
    for _number in range(AT_ONCE):
        send(visitor, photo())
    known = {app.pid}
    with contextlib.ExitStack() as held:

        def hold_newcomers() -> None:
            """So that nobody is done with an image before the last process has been started."""
            if new := app.labour().keys() - known:
                known.update(new)
                held.enter_context(app.children_held())

        app.patience.until(hold_newcomers, idle=0.1)
        beside = len(app.labour()) - 1
    assert beside <= MOST_BESIDE, f"{AT_ONCE} images came at once, and {beside} processes were there beside the server."


@contextlib.contextmanager
def at_work(visitor: Visitor, app: App) -> Iterator[tuple[Call, int]]:
    """Upload a large image, and hold all processes beside the server still while one of them is at work on it.

    Yields the upload and the process: the one that computes, which a fork server does not, nor who waits for its turn.
    That the image is not done with is asked of the server while nobody works.
    """
    for height in HEIGHTS:
        app.settle()  # until nobody is about to start any more
        labour = Labour(app)
        call = send(visitor, large(height), "large.png", "image/png")
        with labour.held() as worker:
            if worker and not done_with(visitor, call):
                yield call, worker
                return
        if labour.alone():
            break
    raise Unmet("A large image had been uploaded, and no process beside your server was seen to work on it.")


def done_with(visitor: Visitor, call: Call) -> bool:
    """Tell whether an image has come to an end, as far as the server says so without being waited for."""
    if not call.arrived:
        return False
    shown = visitor.get(status_of(call.reply()))
    return shown.arrived and shown.field("status", str) != "processing"


@behaviour(
    points=3,
    hint="While a large image is computed, what does the one thread do that serves all visitors?",
    settings={"MAX_PIXELS": str(LARGE_CAP)},
)
def test_visitors_are_served_meanwhile(visitor: Visitor, app: App) -> None:
    """While a process beside the server is busy with an image, the server answers, whatever it is asked."""
    thumbnail(visitor, photo(), "the first photo.jpg")  # whoever keeps processes has them now
    with at_work(visitor, app) as (call, _worker):
        reply = call.reply()
        assert reply.arrived, "While the image was under way, its upload got no answer: your app waited for it."
        shown = visitor.get(status_of(reply))
        assert shown.arrived, "While one image was under way, your app served nobody."


@behaviour(
    points=4,
    hint="What does a pool do with new work when one of its processes is gone? Who notices?",
    settings={"MAX_PIXELS": str(LARGE_CAP)},
)
def test_killed_process_is_got_over(visitor: Visitor, app: App, world: World) -> None:
    """When a process that computes is killed, at work or idle, no image hangs, and the next one is ready."""
    # Nobody else is ever killed: what becomes of a fork server or a resource tracker is not asked here.
    thumbnail(visitor, photo(), "the first photo.jpg")
    with at_work(visitor, app) as (call, worker):
        app.kill_child(worker)
    if finished(visitor, status_of(call.reply())).field("status", str) == "failed":
        assert_no_upload(app, world, "An image whose process was killed")
    app.settle()
    labour = Labour(app)
    thumbnail(visitor, large(), "a large.png that came after the kill")
    if worker := labour.worker():  # whoever starts one for each image has none now
        app.kill_child(worker)
        app.settle(0.02)  # until it has gone, and the server knows
        thumbnail(visitor, photo(), "a photo.jpg that came after an idle process had been killed")
