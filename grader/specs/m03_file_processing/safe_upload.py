"""A stranger's upload: its name, its type and its size are data, and none of them is believed."""

import os
import re
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from urllib.parse import quote, unquote

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Reply, Request, Visitor, World
from grader.world.disk import files_with

LIMIT = 100_000
SETTINGS = {"MAX_BYTES": str(LIMIT)}
TRY = ('POST /files?name=notes.json {"it": "rains"}',)

MARKER = b"not-to-be-kept-"
PIECE = 64 * 1024
FLOOD = 8 * 1024 * 1024
"""Eighty times the limit, and twenty times what the sockets between visitor and app hold by themselves."""
LARGE = 12 * 1024 * 1024
ESCAPED = "escaped-from-the-folder"


def upload(visitor: Visitor, name: str, content: bytes, kind: str = "text/plain") -> Reply:
    """Upload a file and wait for the reply."""
    chunks = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
    shown = f"({len(content)} bytes)"
    return visitor.send(Request("POST", address(name), {"content-type": kind}, chunks, len(content), shown)).reply()


def address(name: str) -> str:
    """Where a file of that name is posted."""
    return f"/files?name={quote(name, safe='')}"


def stored(visitor: Visitor, name: str, content: bytes, kind: str = "text/plain") -> Reply:
    """Upload a file that has to be taken."""
    reply = upload(visitor, name, content, kind)
    assert reply.status in range(200, 300), f"{len(content)} bytes called {name[:30]!r} got {reply.shown()}."
    return reply


def download(visitor: Visitor, uploaded: Reply) -> Reply:
    """Fetch what has been uploaded."""
    reply = visitor.get(f"/files/{quote(uploaded.field('id', str), safe='')}")
    assert reply.status == 200, f"The file that had been stored was asked for, and the answer was {reply.shown()}."
    return reply


def client_name(disposition: str) -> str:
    """Read the file's name from a Content-Disposition, as a browser does (RFC 6266)."""
    if extended := re.search(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", disposition, re.IGNORECASE):
        return unquote(extended[1])
    if quoted := re.search(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', disposition, re.IGNORECASE):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    plain = re.search(r"filename\s*=\s*([^;\s]+)", disposition, re.IGNORECASE)
    return plain[1] if plain else ""


def pieces(total: int) -> Iterator[bytes]:
    """Make a body piece by piece, so that the visitor need not hold it either."""
    return repeat((MARKER * (PIECE // len(MARKER) + 1))[:PIECE], total // PIECE)


def escaped(world: World) -> list[Path]:
    """Where files of the forbidden name lie outside the submission's own folder."""
    walked = ((Path(parent), names) for parent, _, names in os.walk(world.data.parent.parent))
    return [parent for parent, names in walked if ESCAPED in names and world.data not in (parent, *parent.parents)]


@behaviour(points=1, hint="Something new exists. Which status says so, and which header says where?")
def test_upload_is_created(visitor: Visitor) -> None:
    """An upload is answered with 201, its id, name, type and size, and leads to the same bytes."""
    reply = upload(visitor, "notes.txt", b"rain in November")
    assert reply.status == 201, f"The upload was answered with: {reply.shown()}."
    reply.field("id", str)
    told = reply.field("name", str), reply.field("type", str).partition(";")[0], reply.field("size", int)
    assert told == ("notes.txt", "text/plain", 16), f"Of notes.txt, 16 bytes of text/plain, your app tells {told}."
    got = visitor.get(reply.follow())
    assert got.body == b"rain in November", f"The upload's bytes are not what its Location leads to: {got.shown()}."


@behaviour(points=2, hint="Who knew the type and the name, and was it written down in a form that a header can carry?")
def test_download_has_its_type_and_its_name(visitor: Visitor) -> None:
    """A download has the type and, as an attachment, the name that the client gave, whatever letters are in it."""
    for name, kind in (("report.pdf", "application/pdf"), ('März "final"; Ωmega.pdf', "application/pdf; version=1.7")):
        got = download(visitor, stored(visitor, name, b"%PDF-1.7", kind))
        came, disposition = got.headers.get("content-type", ""), got.headers.get("content-disposition", "")
        same = came.replace(" ", "") == kind.replace(" ", "")
        assert same, f'A file of the type "{kind}" was uploaded, and "{came}" came back.'
        assert disposition.lower().startswith("attachment"), f"The Content-Disposition is {disposition or 'missing'}."
        assert client_name(disposition) == name, f"The name was {name!r}; the download says: {disposition}"


@behaviour(points=3, hint="Which part of the path on the disk comes from the client, and does any have to?")
def test_no_name_leads_out_of_the_folder(visitor: Visitor, world: World) -> None:
    """Every name is taken, and none decides where the file is written."""
    names = [f"../../{ESCAPED}", f"....//....//{ESCAPED}", f"{world.data.parent}/{ESCAPED}", ".."]
    for name in (*names, "\0" + "ü" * 254, "a." + "ü" * 253):  # the last two: no path as a whole, nor by their ends
        stored(visitor, name, b"mine")
        assert not escaped(world), f"The upload called {name!r} was written outside DATA_DIR."


@behaviour(points=2, hint="What tells two files apart when their names do not?")
def test_same_name_twice_gives_two_files(visitor: Visitor) -> None:
    """Two uploads with the same name are two files, and so are two with the same bytes."""
    first, second = (stored(visitor, "invoice.txt", content) for content in (b"from Ada", b"from Grace"))
    assert first.field("id", str) != second.field("id", str), "Both uploads were given the same id."
    got = download(visitor, first).body, download(visitor, second).body
    assert got == (b"from Ada", b"from Grace"), f"Ada and Grace uploaded a file each; the downloads are {got}."
    copy = stored(visitor, "copy.txt", b"from Ada")
    assert copy.field("id", str) != first.field("id", str), "Two names came with the same bytes, and got the same id."


@behaviour(points=1, hint="Try the two ends: a file with nothing in it, and one to which not a byte could be added.")
def test_every_size_up_to_the_limit_is_taken(visitor: Visitor) -> None:
    """An empty file is taken, and one of exactly MAX_BYTES; one byte more is refused with 413."""
    for size in (0, LIMIT):
        got = download(visitor, stored(visitor, "sizes", b"x" * size))
        assert len(got.body) == size, f"{size} bytes were uploaded, and {len(got.body)} came back."
    more = upload(visitor, "sizes", b"x" * (LIMIT + 1))
    assert more.status == 413, f"With MAX_BYTES={LIMIT}, {LIMIT + 1} bytes were answered with: {more.shown()}."


@behaviour(points=3, hint="At which byte is it certain that there are too many, and who still reads on then?")
def test_too_much_is_refused_long_before_its_end(visitor: Visitor) -> None:
    """An upload that is too large is refused with 413 long before its end, also when its length was not announced."""
    for length in (FLOOD, None):
        announced = "" if length else ", its length not announced"
        shown = f"({FLOOD} bytes{announced})"
        reply = visitor.send(Request("POST", address("flood"), {}, pieces(FLOOD), length, shown)).reply()
        what = f"{FLOOD} bytes{announced} (MAX_BYTES={LIMIT})"
        assert reply.status == 413, f"{what} were answered with: {reply.shown()}."
        assert reply.sent < FLOOD // 2, f"Of {what}, your app took {reply.sent} before it refused."


@behaviour(
    points=3,
    hint="How much of the file is in your hands at a time?",
    settings={"MAX_BYTES": str(2 * LARGE)},
)
def test_memory_does_not_grow_with_the_upload(visitor: Visitor, app: App) -> None:
    """A large upload passes through a small memory."""
    stored(visitor, "warm-up", b"x" * PIECE)
    before = app.watch_memory()
    request = Request("POST", address("large"), {}, pieces(LARGE), LARGE, f"({LARGE} bytes)")
    reply = visitor.send(request).reply()
    assert reply.status in range(200, 300), f"{LARGE} bytes, allowed here, were answered with: {reply.shown()}."
    grown = app.peak_memory() - before
    assert grown < LARGE // 2, f"While {LARGE} bytes came in, your app's memory grew by {grown} bytes."


@behaviour(points=3, hint="By which ways can the reading end, and which of them pass the line that clears up?")
def test_refused_upload_leaves_nothing(visitor: Visitor, app: App, world: World) -> None:
    """What was refused, or broken off by the client, leaves nothing on the disk."""
    upload(visitor, "too large", MARKER * (2 * LIMIT // len(MARKER)))
    left = files_with(world.data, MARKER)
    assert not left, f"The upload was refused, and a part of it is still on the disk: {left[0].name}."
    half = Request("POST", address("half"), {}, pieces(PIECE), LIMIT, f"({PIECE} of {LIMIT} bytes)")
    call = visitor.send(half)
    # A design that gathers some pieces before it writes has nothing on the disk yet: then there is nothing to wait for.
    app.patience.until(lambda: files_with(world.data, MARKER), idle=0.03)
    call.hang_up()
    app.patience.until(lambda: not files_with(world.data, MARKER), idle=0.15)
    left = files_with(world.data, MARKER)
    assert not left, f"The client hung up half-way, and half the file is still on the disk: {left[0].name}."
