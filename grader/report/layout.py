"""Lines of styled pieces, wrapped to a width: what the terminal shows, before anything is coloured."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

DEFAULT_WIDTH = 80
NARROWEST = 60
WIDEST = 100


class Piece(NamedTuple):
    """Some text of one style; a style is one of the keys of ``cli.screen.STYLES`` or empty."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]
EMPTY: Line = ()


def paragraph(body: str, width: int, *, first: Line = (), style: str = "") -> Iterator[Line]:
    """A text that begins after some pieces and is wrapped to hang under its own beginning."""
    indent = sum(len(piece.text) for piece in first)
    wrapped = textwrap.wrap(body, max(width - indent, NARROWEST // 3), break_on_hyphens=False) or [""]
    for number, part in enumerate(wrapped):
        yield (*(first if number == 0 else (Piece(" " * indent),)), Piece(part, style))


def with_right(lines: Iterable[Line], right: Piece, width: int) -> Iterator[Line]:
    """The same lines, the first of them with a piece set flush right."""
    for number, line in enumerate(lines):
        gap = width - sum(len(piece.text) for piece in line) - len(right.text)
        yield (*line, Piece(" " * max(gap, 1)), right) if number == 0 else line


def plain(lines: Iterable[Line]) -> str:
    """The lines as one text without styles."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)
