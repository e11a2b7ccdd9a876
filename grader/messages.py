"""What an exception of a spec says to the student, in one line."""

from __future__ import annotations

import re

MOST_MESSAGE = 600
INTROSPECTION = re.compile(r"\nassert |\n +\+ ")
COMPARISON = re.compile(r"assert (.+?) == (.+)")


def message_of(error: BaseException) -> str:
    """The author's sentence, or what the comparison shows, without pytest's introspection."""
    text = str(error).encode("utf-8", "replace").decode()  # halves of characters can stand in no file
    if compared := COMPARISON.fullmatch(text.split("\n", 1)[0]):
        return f"Expected {compared[2]}, got {compared[1]}."[:MOST_MESSAGE]
    return INTROSPECTION.split(text)[0].strip()[:MOST_MESSAGE]


def place_of(error: BaseException) -> str:
    """File and line where it was raised, in parentheses, for the grader's own faults."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
