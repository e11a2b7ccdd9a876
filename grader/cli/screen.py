"""What a user sees: styled lines on a terminal, plain ones in a pipe, ASCII where nothing else can be shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from grader.report.layout import NARROWEST, WIDEST, Line, Piece

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "heading": "bold",
    "quiet": "dim",
    "part": "cyan",
    "meaning": "bold",
    "word": "bold cyan",
    "passed": "green",
    "failed": "red",
    "blocked": "yellow",
    "error": "magenta",
}
ASCII = str.maketrans({"✓": "+", "✗": "x", "…": "...", "·": "."})
LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")


class Screen:
    """Standard output, as wide as it is but never wider than reads well."""

    def __init__(self) -> None:
        from rich.console import Console

        make_unbreakable()
        self.console: Console = Console(highlight=False, markup=False, emoji=False)
        self.width = min(max(self.console.width, NARROWEST), WIDEST)
        self.unicode = shows_unicode(self.console.encoding, os.environ)

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines; whatever they hold is text, never markup."""
        from rich.text import Text

        for line in lines:
            text = Text(no_wrap=True, overflow="ignore", end="")
            for piece in line:
                text.append(piece.text if self.unicode else piece.text.translate(ASCII), STYLES.get(piece.style))
            text.rstrip()
            self.console.print(text, soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Print one line."""
        self.show([(Piece(text, style),)])


def shows_unicode(encoding: str, environment: Mapping[str, str]) -> bool:
    """Whether the marks can be encoded, and the locale does not say that the terminal knows only ASCII."""
    locale = next((environment[name] for name in LOCALES if environment.get(name)), "")
    try:
        "✓✗…·".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return locale not in ("C", "POSIX")


def make_unbreakable() -> None:
    """Let characters that standard output cannot encode be shown as escapes instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def complain(line: str) -> None:
    """Print one line to standard error."""
    make_unbreakable()
    print(" ".join(line.split()), file=sys.stderr)  # noqa: T201 - Rich may be what is broken
