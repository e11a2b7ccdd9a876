"""The label printer, met by raw sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Self

import pytest

from grader.errors import Unmet
from grader.world import Printer
from grader.world.listening import LOOPBACK, listen_on_loopback
from tests.world_kit import HASTY, PATIENT, Kit, kit, open_part


class Line:
    """One connection to the printer."""

    def __init__(self, printer: Printer) -> None:
        self.sock = socket.create_connection((LOOPBACK, printer.port), timeout=PATIENT)
        self.file = self.sock.makefile("rb")

    def say(self, text: str) -> None:
        self.sock.sendall(f"{text}\n".encode())

    def hear(self) -> str:
        return self.file.readline().decode().rstrip("\n")

    def ask(self, text: str) -> str:
        self.say(text)
        return self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.file.close()
        self.sock.close()


@pytest.fixture
def world() -> Iterator[Kit]:
    with kit() as world:
        yield world


@pytest.fixture
def printer(world: Kit) -> Iterator[Printer]:
    with listen_on_loopback() as listener:
        part = Printer(world.loop, world.timeline, world.patience, listener)
        with open_part(part) as printer:
            yield printer


def test_a_label_is_asked_for_printed_and_confirmed(printer: Printer) -> None:
    with Line(printer) as line:
        assert line.ask("PRINT A-17") == "DONE A-17"
        assert line.ask("PRINT with two words") == "DONE with two words"
    assert printer.asked == printer.printed == ["A-17", "with two words"]
    assert printer.at_once == 1
    assert [printer.take(), printer.take()] == ["A-17", "with two words"]


def test_a_jammed_label_is_answered_jam_and_not_printed(printer: Printer) -> None:
    printer.jam("A-17")
    with Line(printer) as line:
        assert line.ask("PRINT A-17") == "JAM A-17"
        assert line.ask("PRINT B-1") == "DONE B-1"
    assert printer.printed == ["B-1"]


def test_a_dropped_label_ends_the_connection(printer: Printer) -> None:
    printer.drop("A-17")
    with Line(printer) as line:
        assert line.ask("PRINT A-17") == ""
    assert printer.printed == []


def test_a_reset_label_ends_the_connection_with_an_error(printer: Printer) -> None:
    printer.reset("A-17")
    with Line(printer) as line:
        line.say("PRINT A-17")
        with pytest.raises(ConnectionResetError):
            line.hear()
    assert printer.printed == []
    assert printer.at_once == 1


def test_a_label_is_reset_while_the_printer_is_held(printer: Printer) -> None:
    with Line(printer) as first, Line(printer) as second, printer.held() as gate:
        first.say("PRINT a")
        second.say("PRINT b")
        assert gate.knocked(PATIENT, times=2)
        printer.reset("a")
        with pytest.raises(ConnectionResetError):
            first.hear()
        gate.open()
        assert second.hear() == "DONE b"
    assert printer.printed == ["b"]
    assert printer.hung_up == []


def test_a_held_printer_takes_jobs_and_prints_when_it_is_let_go(printer: Printer) -> None:
    with Line(printer) as first, Line(printer) as second:
        with printer.held() as gate:
            first.say("PRINT a")
            second.say("PRINT b")
            assert gate.knocked(PATIENT, times=2)
            assert sorted(printer.asked) == ["a", "b"]
            assert printer.printed == []
        assert (first.hear(), second.hear()) == ("DONE a", "DONE b")
    assert printer.at_once == 2
    assert sorted(printer.expect_printed(2)) == ["a", "b"]


def test_a_job_can_be_cancelled_while_it_waits(printer: Printer) -> None:
    with Line(printer) as line:
        with printer.held() as gate:
            line.say("PRINT a")
            assert gate.knocked(PATIENT)
            line.say("CANCEL a")
            assert printer.expect_cancelled(1, PATIENT) == ["a"]
        assert line.ask("PRINT b") == "DONE b"
    assert printer.printed == ["b"]
    assert printer.hung_up == []


def test_a_client_that_goes_away_is_noted(printer: Printer, world: Kit) -> None:
    with printer.held() as gate:
        with Line(printer) as line:
            line.say("PRINT a")
            assert gate.knocked(PATIENT)
        assert world.patience.until(lambda: printer.hung_up, idle=PATIENT) == ["a"]
    assert printer.printed == []
    assert "your app went away before a was printed" in world.told


def test_what_is_no_command_is_an_error_and_the_next_line_counts(printer: Printer) -> None:
    with Line(printer) as line:
        for text in ("", "PRINT", "PRINT ", "paint A-17", "\0"):
            assert line.ask(text) == "ERROR"
        assert line.ask("PRINT A-17") == "DONE A-17"


def test_a_line_without_end_ends_the_connection_and_harms_nobody(printer: Printer) -> None:
    with Line(printer) as line:
        try:
            line.sock.sendall(b"PRINT " + b"x" * 1_000_000)
            assert line.hear() == ""
        except OSError:
            pass  # it hung up, as it may
    with Line(printer) as line:
        assert line.ask("PRINT A-17") == "DONE A-17"


def test_waiting_in_vain_says_what_was_seen(printer: Printer) -> None:
    with Line(printer) as line:
        line.ask("PRINT a")
    with pytest.raises(Unmet, match="no label b"):
        printer.take("b", HASTY)
    assert printer.take("a") == "a"
    with pytest.raises(Unmet, match="no label"):
        printer.take(patience=HASTY)
    with pytest.raises(Unmet, match="1 of 2 labels were printed"):
        printer.expect_printed(2, HASTY)
    with pytest.raises(Unmet, match="0 of 1 labels were cancelled"):
        printer.expect_cancelled(1, HASTY)
