"""A small course written into an empty folder, for tests that break it."""

from __future__ import annotations

from pathlib import Path

INDEX = """\
[m01_first]
title = "First"

[m01_first.exercises]
greeting = "The greeting"
farewell = "The farewell"

[m02_second]
title = "Second"

[m02_second.exercises]
greenhouse = "The greenhouse"
"""

LESSON = "# A lesson\n\n## The smallest change\n\nOne line.\n"

SPEC = '''\
"""A spec."""

from grader.behaviour import behaviour

TRY = ("GET /ping",)


@behaviour(points=1, hint="Which status says so?")
def test_answers() -> None:
    """The service
    answers."""


@behaviour(points=2, hint="Who waits?", needs=["test_answers"])
def test_answers_soon() -> None:
    """It answers soon."""
'''

NAMES = {"m01_first": ["greeting", "farewell"], "m02_second": ["greenhouse"]}


def write(root: Path) -> Path:
    """Write a whole course of three exercises below root; returns root."""
    _put(root / "modules" / "course.toml", INDEX)
    for module, exercises in NAMES.items():
        _put(root / "modules" / module / "README.md", "# A module\n")
        for name in exercises:
            _put(root / "modules" / module / f"{name}.md", LESSON)
            _put(root / "exercises" / module / f"{name}.py", '"""The task."""\n')
            _put(root / "solutions" / module / f"{name}.py", '"""The task."""\n')
            _put(root / "grader" / "specs" / module / f"{name}.py", SPEC)
    return root


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
