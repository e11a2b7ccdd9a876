"""A hint asks a question; it gives no code away."""

from __future__ import annotations

import ast
import re

QUOTED = re.compile(r"`([^`]+)`")
CALL = re.compile(r"\b([A-Za-z_][\w.]*)\(")
NAME = re.compile(r"\b(?:[A-Za-z]+_\w+|[a-z]+\.[a-z_]+|[A-Za-z]*[a-z][A-Z]\w*)\b")
STATEMENT = re.compile(r"(?<![=!<>])=(?!=)|=>|\blambda\b|\bimport \w")


def giveaways(hint: str, starter: str, solution: str) -> list[str]:
    """What of a hint looks like code that only the solution has.

    What the starter speaks of may be named: the student sees it anyway, if only as a part of a word. Looked at are what
    is quoted, what is called, and what is spelt like a name: some_name, some.name, SomeName.
    """
    found = [f"this looks like a statement: {match[0]}" for match in STATEMENT.finditer(hint)]
    spelt = " ".join([*QUOTED.findall(hint), *CALL.findall(hint), *NAME.findall(hint)])
    given_away = [name for name in sorted(_words(spelt) & _names(solution)) if name.lower() not in starter.lower()]
    return found + [f"only the solution has this: {name}" for name in given_away]


def _names(source: str) -> set[str]:
    """The names that code uses: variables, attributes, parameters, keywords, what is imported."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names |= {value for key in ("id", "attr", "arg", "name") if isinstance(value := getattr(node, key, None), str)}
    return names


def _words(source: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", source))
