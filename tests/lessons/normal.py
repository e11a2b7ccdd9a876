"""Two runs print the same when only what varies differs: times, ports, process and object ids, addresses."""

from __future__ import annotations

import re

VARYING = (
    # Carets under a traceback's lines are drawn differently by each version of Python.
    (re.compile(r"^[ ~^]*[~^]{2}[ ~^]*\n?", re.MULTILINE), ""),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?"), "<time>"),
    (re.compile(r" *-?\b\d+(?:[.,]\d+)?(?= ?(?:m|µ|u|n)?s(?:ec(?:onds?)?)?\b| (?:milli)?seconds?\b)"), " <n>"),
    (re.compile(r"\b0x[0-9a-fA-F]+"), "<id>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "<id>"),
    (re.compile(r"((?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[?::1\]?)['\"]?(?::|, ))\d+"), r"\1<port>"),
    (re.compile(r"(\bport[ =:]+)\d+", re.IGNORECASE), r"\1<port>"),
    (re.compile(r"(\b(?:pid|process)[ =:]+\[?)\d+", re.IGNORECASE), r"\1<pid>"),
    (re.compile(r"\b((?:Task|Thread|ThreadPoolExecutor|Process|ForkProcess|SpawnProcess)-)[\d_]+"), r"\1<n>"),
    (re.compile(r'(File "(?!lesson\.py).*?", line )\d+'), r"\1<n>"),
    (re.compile(r" ?\(asked \d+ ?times\)"), ""),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)
"""What is taken for varying, and what stands for it. A long figure may be an id, so it counts as one."""


def normal(text: str) -> str:
    """The text with a placeholder for whatever varies from run to run."""
    for varying, placeholder in VARYING:
        text = varying.sub(placeholder, text)
    return text.strip("\n")


WRAPPED = re.compile(r"\n {8,}")


def feedback_core(feedback: str) -> str:
    """The grader's feedback without what its width or chance decides: line wrapping, spaces, the lines' order.

    An id that was wrapped is whole again, and of two things that happen at once either may be seen first.
    """
    return "\n".join(sorted(normal(WRAPPED.sub("", feedback)).replace(" ", "").split("\n")))
