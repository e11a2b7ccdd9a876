"""What a submission printed is made harmless before anybody sees it."""

from __future__ import annotations

import pytest

from grader.report import clean


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;a new title\x07text", "text"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1bPdevice\x1b\\control", "control"),
        ("bell\x07 and\x08 back\x00", "bell and back"),
        ("over\rwritten", "over\nwritten"),
        ("windows\r\nlines", "windows\nlines"),
        ("a\tb", "a   b"),
        ("\u202egnp.exe", "gnp.exe"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("Grüße, 世界 [bold]", "Grüße, 世界 [bold]"),
        ("\x1b", ""),
        ("\x1b[", ""),
    ],
)
def test_escapes_and_control_characters_go(raw: str, shown: str) -> None:
    assert clean.text(raw) == shown


def test_one_line_is_one_line() -> None:
    assert clean.one_line("  first\n\n  second\x1b[1m\n") == "first second"


def test_a_long_line_is_cut_and_says_so() -> None:
    assert clean.one_line("x" * 2_100).endswith("x [100 more characters]")


def test_many_lines_keep_their_head_and_their_tail() -> None:
    shown = clean.lines("\n".join(str(number) for number in range(1000)), most=10)
    assert shown == ["0", "1", "2", "[991 more lines]", "994", "995", "996", "997", "998", "999"]


def test_nothing_printed_is_no_line() -> None:
    assert clean.lines("") == clean.lines("\n \n") == []
