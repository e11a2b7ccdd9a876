"""A page of Markdown, as far as the proofs need it: fenced blocks with what stands above them, headings, prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w+-]*)")
NOTE = re.compile(r"<!--\s*(.*?)\s*-->")
HEADING = re.compile(r"(#{1,6}) +(.+?) *#*")
NO_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    note: the HTML comment directly above it; number: its place among the page's blocks, from 0;
    line: that of its opening fence, from 1; end: that of its closing fence.
    """

    number: int
    language: str
    note: str
    text: str
    line: int
    end: int


@dataclass(frozen=True)
class Finding:
    """What is wrong on a page, and where; fresh is what the block should hold, when that is known."""

    line: int
    message: str
    block: Block | None = None
    fresh: str | None = None


@dataclass(frozen=True)
class Page:
    """One Markdown file; path: where it lies; text: what it holds."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read a page; raises OSError or UnicodeDecodeError."""
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.split("\n")

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks, in order; one that is never closed reaches to the end."""
        found: list[Block] = []
        number = 0
        while number < len(self.lines):
            if opened := FENCE.match(self.lines[number]):
                block = self._block(len(found), number, opened)
                found.append(block)
                number = block.end - 1
            number += 1
        return found

    @cached_property
    def prose(self) -> list[tuple[int, str]]:
        """Number and text of the lines outside blocks and comments."""
        fenced = {number for block in self.blocks for number in range(block.line, block.end + 1)}
        blanked = NOTE.sub(lambda note: "\n" * note[0].count("\n"), self.text)
        return [(n, line) for n, line in enumerate(blanked.split("\n"), 1) if n not in fenced]

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """Line, level and text of each heading."""
        found = [(number, HEADING.fullmatch(line.rstrip())) for number, line in self.prose]
        return [(number, len(match[1]), match[2]) for number, match in found if match]

    @property
    def anchors(self) -> set[str]:
        """What a link to this page may end in."""
        return set(_anchors(text for _line, _level, text in self.headings))

    def with_blocks(self, fresh: dict[int, str]) -> Page:
        """The same page with new text in some blocks, told by their numbers."""
        lines = list(self.lines)
        for block in reversed(self.blocks):
            if block.number in fresh:
                lines[block.line : block.end - 1] = fresh[block.number].split("\n")
        return Page(self.path, "\n".join(lines))

    def _block(self, place: int, opening: int, opened: re.Match[str]) -> Block:
        body = opening + 1
        closing = body
        while closing < len(self.lines) and self.lines[closing].strip() != opened["ticks"]:
            closing += 1
        above = next((line for line in reversed(self.lines[:opening]) if line.strip()), "")
        note = NOTE.fullmatch(above.strip())
        text = "\n".join(self.lines[body:closing])
        return Block(place, opened["language"], note[1] if note else "", text, opening + 1, closing + 1)


def _anchors(headings: Iterator[str]) -> Iterator[str]:
    """Slugs as GitHub makes them: the second of a name ends in -1."""
    seen: dict[str, int] = {}
    for heading in headings:
        slug = NO_ANCHOR.sub("", heading.lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug
