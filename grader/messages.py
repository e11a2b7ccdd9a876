"""What an exception of a spec says to the student, in one line."""

from __future__ import annotations

import re
import sys

MOST_MESSAGE = 600
INTROSPECTION = re.compile(r"\nassert |\n +\+ ")
COMPARISON = re.compile(r"assert (.+?) == (.+)")


def message_of(error: BaseException) -> str:
    """The author's sentence, or what the comparison shows, without pytest's introspection."""
    text = str(error).encode("utf-8", "replace").decode()  # halves of characters can stand in no file
    if compared := COMPARISON.fullmatch(text.split("\n", 1)[0]):
        return f"Expected {compared[2]}, got {compared[1]}."[:MOST_MESSAGE]
    return INTROSPECTION.split(text)[0].strip()[:MOST_MESSAGE]


def refusal(error: BaseException) -> str:
    """What Redis told a spec that asked it for something ordinary, in one line; empty when it was something else.

    Only what a submission did with it (filled it up, kept it busy, used a key for something else) can be the reason.
    """
    told = sys.modules.get("redis.exceptions")  # who has never imported it cannot have been refused
    if told is None or not isinstance(error, told.ResponseError):
        return ""
    return f"Redis refused what the grader asked of it: {error} What did your program do to it?"[:MOST_MESSAGE]


def place_of(error: BaseException) -> str:
    """File and line where it was raised, in parentheses, for the grader's own faults."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
