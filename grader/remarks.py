"""What a worker has printed and nobody would look for: that it was sent something of a name that it does not know."""

from __future__ import annotations

import re

UNKNOWN = re.compile(
    r"Received unregistered task of type '(?P<task>[^'\n]{1,100})'"  # Celery 5.7
    r"|job [^\n]{1,200}, function '(?P<function>[^'\n]{1,100})' not found"  # ARQ 0.28
)


def remark(output: str) -> str:
    """A sentence on the first such name in what a submission's processes have printed; empty when there is none."""
    found = UNKNOWN.search(output)
    if found is None:
        return ""
    sent = f"the task '{found['task']}'" if found["task"] else f"a job for the function '{found['function']}'"
    return f"Your worker was sent {sent}, and knows none of that name."
