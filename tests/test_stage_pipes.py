"""What submissions write into pipes: read by one thread, kept up to a cap, believed never."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest

from grader.stage.capture import KEEP, Capture
from grader.stage.readers import Readers
from grader.stage.status import MOST_EVENTS, StatusPipe

SECONDS = 30.0
"""How long a test waits for another thread before it fails."""


class Read(Protocol):
    def read(self) -> None: ...


def captured(*chunks: bytes) -> Capture:
    """Write chunks into a pipe, reading after each; the writer hangs up."""
    reader, writer = os.pipe()
    capture = Capture(reader)
    for chunk in chunks:
        os.write(writer, chunk)
        capture.drain()
    os.close(writer)
    capture.drain()
    return capture


def status_of(*chunks: bytes) -> StatusPipe:
    """The same for a status pipe; a writer is hung up on as soon as he floods."""
    reader, writer = os.pipe()
    with closing(StatusPipe(reader)) as status:
        for chunk in chunks:
            if status.open:
                os.write(writer, chunk)
                status.read()
    os.close(writer)
    return status


def test_little_is_kept_whole() -> None:
    capture = captured(b"one\n", "zw\u00f6lf\n".encode()[:3], "zw\u00f6lf\n".encode()[3:])
    assert (capture.text, capture.total, capture.open) == ("one\nzw\u00f6lf\n", 11, False)


@pytest.mark.parametrize("size", [2 * KEEP, 2 * KEEP + 1, 3 * KEEP])
def test_head_and_tail_of_much_are_kept_and_the_rest_is_counted(size: int) -> None:
    text = captured(*[b"x" * 1000] * (size // 1000), b"x" * (size % 1000)).text
    left_out = size - 2 * KEEP
    assert text == "x" * KEEP + (f"\n[{left_out} bytes left out]\n" if left_out else "") + "x" * KEEP


def test_a_flood_takes_no_more_room_than_its_cap() -> None:
    capture = captured(*[b"spam" * 10_000] * 200)
    assert capture.total == 8_000_000
    assert sum(map(len, capture._tail)) <= KEEP + 40_000
    assert f"[{8_000_000 - 2 * KEEP} bytes left out]" in capture.text


def test_events_are_lines_of_json_that_name_one() -> None:
    status = status_of(b'{"event": "listening"}\n{"event": "coll', b'ected"}\n{"event": "collected"}\n')
    assert status.find("listening") == {"event": "listening"}
    assert status.count("collected") == 2
    assert status.find("failed") is None


@pytest.mark.parametrize(
    "line",
    [b"", b"listening", b"[]", b'"event"', b'{"event": 1}', b'{"event": ["a"]}', b"[" * 60_000, b"\xff", b"9" * 60_000],
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert status_of(line + b"\n", b'{"event": "listening"}\n').events == [{"event": "listening"}]


def test_a_flood_of_events_is_hung_up_on() -> None:
    line = json.dumps({"event": "collected"}).encode() + b"\n"
    status = status_of(*[line * 100] * (MOST_EVENTS // 100 + 5))
    assert MOST_EVENTS < len(status.events) <= MOST_EVENTS + 100


@pytest.fixture
def readers() -> Iterator[Readers]:
    with closing(Readers()) as readers:
        yield readers


def test_one_thread_reads_whatever_can_be_read(readers: Readers) -> None:
    reader, writer = os.pipe()
    heard = threading.Event()
    threads = []

    def on_readable() -> None:
        threads.append(threading.current_thread().name)
        os.read(reader, 100)
        heard.set()

    readers.watch(reader, on_readable, heard)
    os.write(writer, b"x")
    assert heard.wait(SECONDS)
    assert threads == ["stage"]
    readers.unwatch(reader, "somebody else")
    heard.clear()
    os.write(writer, b"x")
    assert heard.wait(SECONDS), "it was unwatched for somebody else"
    readers.unwatch(reader, heard)
    os.close(reader)
    os.close(writer)


def test_one_callback_that_fails_is_left_out_and_the_others_go_on(readers: Readers) -> None:
    (broken, to_broken), (sound, to_sound) = os.pipe(), os.pipe()
    failed, heard = threading.Event(), threading.Event()

    def fail() -> None:
        failed.set()
        raise RecursionError

    def hear() -> None:
        os.read(sound, 100)
        heard.set()

    readers.watch(broken, fail, fail)
    readers.watch(sound, hear, hear)
    os.write(to_broken, b"x")
    assert failed.wait(SECONDS)
    os.write(to_sound, b"x")
    assert heard.wait(SECONDS)
    for descriptor in (broken, to_broken, sound, to_sound):
        os.close(descriptor)
