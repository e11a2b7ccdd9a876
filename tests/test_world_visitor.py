"""The visitor, at servers that answer well, late, wrongly, without end, or not at all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader.world import Visitor, http
from tests.unix_server import Answer, page, saying, unix_server
from tests.world_kit import HASTY, PATIENT, Kit, kit

Serving = Callable[[Answer], Visitor]
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def world() -> Iterator[Kit]:
    with kit() as world:
        yield world


@pytest.fixture
def visiting(world: Kit, tmp_path: Path) -> Iterator[Serving]:
    """Gives a visitor of a server that answers as told."""
    with ExitStack() as stack:

        def serve(answer: Answer) -> Visitor:
            stack.enter_context(unix_server(world.loop, tmp_path / "http", answer))
            visitor = Visitor(tmp_path / "http", world.loop, world.timeline, world.patience)
            stack.callback(visitor.hang_up)
            return visitor

        yield serve


def test_a_reply_is_whole_and_told(visiting: Serving, world: Kit) -> None:
    reply = visiting(saying(page(b'{"id": 1}', "Location: /1", status="201 Created"))).post("/", {"name": "ada"})
    assert (reply.arrived, reply.status, reply.json, reply.follow()) == (True, 201, {"id": 1}, "/1")
    assert world.told == ['POST /  {"name": "ada"}', 'reply to POST /: 201 {"id": 1}']


def test_the_body_counts_to_its_last_chunk(visiting: Serving, world: Kit) -> None:
    rest = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"2\r\nHe\r\n")
        await rest.wait()
        writer.write(b"3\r\nllo\r\n0\r\n\r\n")

    call = visiting(slowly).start("GET", "/")
    assert not call.reply(HASTY).arrived
    assert not call.arrived
    world.loop.call(rest.set)
    assert call.reply(PATIENT).text == "Hello"
    assert call.arrived


def test_a_silent_server_is_no_reply_and_the_visitor_stays_on_the_line(visiting: Serving, world: Kit) -> None:
    speak = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await speak.wait()
        writer.write(page(b"at last"))

    call = visiting(silent).start("GET", "/")
    assert call.reply(HASTY).logged() == "no reply came"
    assert world.told[-1] == "no reply to GET / yet, and nothing moves any more"
    world.loop.call(speak.set)
    assert call.reply(PATIENT).text == "at last"


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ([], "your app closed the connection without a reply"),
        ([b"\0\xff" * 100], "not a whole HTTP reply"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHe"], "not a whole HTTP reply"),
        ([b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"], "not a whole HTTP reply"),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nHe"], "not a whole HTTP reply"),
        ([CHUNKED, b"zz\r\nHello\r\n"], "not a whole HTTP reply"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 1000], "larger than anybody cares to read"),
    ],
)
def test_what_is_no_reply_is_said_and_has_no_status(visiting: Serving, sent: list[bytes], problem: str) -> None:
    reply = visiting(saying(*sent)).start("GET", "/").reply(PATIENT)
    assert (reply.arrived, reply.status) == (False, None)
    assert problem in reply.problem


def test_an_endless_body_is_cut_off(visiting: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_BODY", 1_000_000)

    async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()

    reply = visiting(endless).start("GET", "/").reply(PATIENT)
    assert reply.problem == "the reply is larger than anybody cares to read"


def test_interim_answers_are_passed_over(visiting: Serving) -> None:
    reply = visiting(saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", page(b"here"))).get("/")
    assert (reply.status, reply.text) == (200, "here")


@pytest.mark.parametrize("body", [b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000])
def test_what_is_no_strict_json_has_a_text_only(visiting: Serving, body: bytes) -> None:
    reply = visiting(saying(page(body, "content-type: application/json"))).get("/")
    assert (reply.status, reply.json, reply.body) == (200, None, body)


def test_nothing_is_unpacked_and_no_redirect_is_followed(visiting: Serving) -> None:
    packed = page(b"\x1f\x8b", "content-encoding: gzip", "location: /elsewhere", status="302 Found")
    reply = visiting(saying(packed)).get("/")
    assert (reply.status, reply.body, reply.headers["location"]) == (302, b"\x1f\x8b", "/elsewhere")


@pytest.mark.parametrize("path", ["/a b", "/\u00e9", "/\ud800", "/\r\nX: y"])
def test_an_address_that_cannot_be_sent_is_no_reply(visiting: Serving, path: str) -> None:
    assert visiting(saying(page(b""))).get(path).problem == "no request can be made for such an address"


def test_several_requests_may_be_in_flight(visiting: Serving, world: Kit) -> None:
    both = asyncio.Barrier(2)

    async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        await both.wait()
        writer.write(page(request.split()[1]))

    visitor = visiting(together)
    calls = [visitor.start("GET", path) for path in ("/a", "/b")]
    assert [call.reply(PATIENT).text for call in calls] == ["/a", "/b"]
    assert world.told[:2] == ["GET /a", "GET /b"]


def test_asking_goes_on_until_the_reply_satisfies(visiting: Serving, world: Kit) -> None:
    numbers = itertools.count(1)

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page(str(next(numbers)).encode()))

    visitor = visiting(counting)
    assert visitor.until("/", lambda reply: reply.json == 4, PATIENT).json == 4
    assert world.told == ["GET / (asked 4 times): 200 4"]
    assert visitor.until("/", lambda _reply: False, HASTY).arrived


def test_one_that_hung_up_has_no_reply_any_more(visiting: Serving) -> None:
    call = visiting(saying(page(b""))).start("GET", "/")
    call.hang_up()
    assert call.reply(PATIENT).arrived == call.arrived


def test_nobody_listening_is_no_reply(world: Kit, tmp_path: Path) -> None:
    visitor = Visitor(tmp_path / "nobody", world.loop, world.timeline, world.patience)
    assert visitor.get("/").problem == "your app closed the connection"
