"""The little of Mermaid that lessons use, so that a typing error is found before a reader finds it."""

from __future__ import annotations

import re
from collections.abc import Iterator

KINDS = ("sequenceDiagram", "flowchart", "graph", "stateDiagram-v2", "timeline", "gantt")
PARTICIPANT = re.compile(r"(?:create )?(?:participant|actor) (\w+)(?: as .+)?")
MESSAGE = re.compile(r"(\w+)\s*<?<?(?:-{1,2})(?:>>|>|x|\))[+-]?\s*(\w+)\s*: ?.+")
NOTE = re.compile(r"[Nn]ote (?:over|left of|right of) (\w+)(?:, ?(\w+))?: ?.+")
ACTIVITY = re.compile(r"(?:activate|deactivate|destroy) (\w+)")
OTHER = re.compile(r"(?:loop|alt|else|opt|par|and|critical|option|break|rect|box|title|end|autonumber|%%)\b.*|%%.*")


def faults(text: str) -> Iterator[str]:
    """What a renderer would stumble over: an unknown kind, a line that is no statement, an undeclared participant."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    kind = lines[0].split()[0] if lines else "nothing"
    if kind not in KINDS:
        yield f"a diagram begins with its kind, not with {kind}"
    if kind != "sequenceDiagram":
        return
    known = {match[1] for line in lines if (match := PARTICIPANT.fullmatch(line))}
    for line in lines[1:]:
        said = MESSAGE.fullmatch(line) or NOTE.fullmatch(line) or ACTIVITY.fullmatch(line)
        if not said and not PARTICIPANT.fullmatch(line) and not OTHER.fullmatch(line):
            yield f"this is no line of a sequence diagram: {line}"
        for name in said.groups() if said and known else ():
            if name and name not in known:
                yield f"{name} is no participant: {line}"
