"""What a submission printed or sent, made fit to be shown: no escapes, no control characters, not too long."""

from __future__ import annotations

import re
import unicodedata

MOST_LINES = 120
LONGEST_LINE = 2_000

ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, strings
    r"|\x1b[ -/]*[0-~]?"  # everything else that begins with ESC
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
ROUTINE = "INFO: "
"""How the lines begin that uvicorn prints anyway."""

INVISIBLE = frozenset("\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def text(raw: str) -> str:
    """The same text without terminal escapes, control characters and marks that reorder a line.

    Line ends and tabs stay; what is no valid Unicode becomes the replacement character.
    """
    unified = ESCAPE.sub("", raw).replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    if unified.isascii() and unified.replace("\n", "").isprintable():
        return unified
    return "".join(_shown(character) for character in unified)


def one_line(raw: str) -> str:
    """The same, as one line of at most LONGEST_LINE characters."""
    return _shortened(" ".join(part.strip() for part in text(raw).splitlines() if part.strip()))


def lines(raw: str, most: int = MOST_LINES) -> list[str]:
    """The cleaned lines; of more than ``most`` the head and the tail, and how many are left out."""
    shown = [_shortened(line.rstrip()) for line in text(raw).strip("\n").split("\n")]
    return middle_out(shown, most, "[{} more lines]") if any(shown) else []


def noteworthy(raw: str) -> bool:
    """Whether there is more to read than the server's routine lines."""
    return not all(line.startswith(ROUTINE) for line in lines(raw))


def middle_out(items: list[str], most: int, note: str) -> list[str]:
    """At most ``most`` items: a third from the head, the rest from the tail, and between them the note."""
    if len(items) <= most:
        return items
    head = most // 3
    tail = most - head - 1
    return [*items[:head], note.format(len(items) - head - tail), *items[-tail:]]


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "\ufffd"
    hidden = (kind == "Cc" and character != "\n") or character in INVISIBLE
    return "" if hidden else character


def _shortened(line: str) -> str:
    over = len(line) - LONGEST_LINE
    return f"{line[:LONGEST_LINE]} [{over} more characters]" if over > 0 else line
