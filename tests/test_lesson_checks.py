"""The checks of lessons find what they are there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course, load
from grader.report.verdict import Report
from tests import course_on_disk
from tests.lessons import check, diagram
from tests.lessons.normal import feedback_core, normal
from tests.lessons.page import Page
from tests.lessons.quoted import missing
from tests.reports_by_hand import FAILED, report

SOURCE = "def outer():\n    if True:\n        first()\n\n        second()\n    return 3"


def no_grading(_submission: Path, _turn: int) -> Report:
    raise AssertionError("nothing is to be graded here")


def failed(_submission: Path, _turn: int) -> Report:
    return report(FAILED)


def told(tmp_path: Path, course: Course, text: str, limit: float = 10.0) -> list[str]:
    """What is found on a page that holds this text."""
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return [found.message for found in check.findings(Page.read(path), course, no_grading, limit)]


def shown(code: str, output: str, note: str = "output") -> str:
    return f"```python\n{code}\n```\n\n<!-- {note} -->\n```text\n{output}\n```\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (shown("print(6 * 7)", "42"), []),
        (shown("print(6 * 7)", "43"), ["the script prints something else"]),
        (shown("print('took 31 ms')", "took 7 ms"), []),
        (shown("import sys; print('warned', file=sys.stderr)", "warned"), []),
        (shown("pass", "(nothing)"), []),
        ("```python\nraise SystemExit(3)\n```\n", ["the script ended with exit status 3; it printed last: "]),
        (shown("raise SystemExit('gone')", "gone", "output: fails"), []),
        (shown("pass", "(nothing)", "output: fails"), ["the script was expected to fail and ended well"]),
        ("<!-- output -->\n```text\n42\n```\n", ["an output belongs right behind the python block that printed it"]),
        ("```text\n42\n```\n", ["say where this is from: <!-- output --> or <!-- verdict: FILE TEST --> above it"]),
        ("```console\ngrader check farewell\n```\n", []),
        (
            "- item\n\n  ```python\n  1\n  ```\n",
            ["a fence begins at the beginning of its line: this one cannot be proven"],
        ),
        ("<!-- excerpt: no/file.py -->\n```python\n1\n```\n", ["there is no no/file.py to take an excerpt from"]),
        ("[here](#here)\n", ["#here: no heading there makes #here"]),
        ("[here](#right-here)\n## Right `here`!\n", []),
        ("[there](there.md)\n", ["there.md: no such file, seen from this page"]),
        ("`[there](there.md)` and [out](https://example.org/)\n", []),
    ],
)
def test_a_page_is_told_what_is_wrong(tmp_path: Path, this_course: Course, text: str, expected: list[str]) -> None:
    assert told(tmp_path, this_course, text) == expected


def test_a_script_that_does_not_end_is_ended(tmp_path: Path, this_course: Course) -> None:
    endless = "import subprocess, sys\nprint('waiting', flush=True)\nsubprocess.run([sys.executable, '-c', 'input()'])"
    text = f"```python\n{endless.replace('input()', 'import signal; signal.pause()')}\n```\n"
    assert told(tmp_path, this_course, text, 1.0) == ["the script did not end within 1 s; it printed last: waiting"]


def test_fresh_outputs_are_put_in_place(tmp_path: Path, this_course: Course) -> None:
    path = tmp_path / "page.md"
    path.write_text(shown("print('a\\nb')", "c") + "\nEnd.\n", encoding="utf-8")
    page = Page.read(path)
    [found] = check.findings(page, this_course, no_grading)
    assert found.block is not None
    assert found.fresh is not None
    renewed = page.with_blocks({found.block.number: found.fresh})
    assert renewed.text == shown("print('a\\nb')", "a\nb") + "\nEnd.\n"


def test_a_verdict_is_what_the_grader_says(tmp_path: Path, this_course: Course) -> None:
    text = f"<!-- verdict: x.py {FAILED.name} -->\n```text\n```\n"
    [found] = check.findings(Page(tmp_path / "page.md", text), this_course, failed)
    assert found.fresh is not None
    assert found.fresh.startswith(f"✗ {FAILED.sentence}")
    assert " ms  " in found.fresh
    [found] = check.findings(Page(tmp_path / "page.md", text.replace("t:", "t without timeline:")), this_course, failed)
    assert found.fresh is not None
    assert found.fresh.startswith(f"✗ {FAILED.sentence}")
    assert " ms  " not in found.fresh
    [unknown] = check.findings(Page(tmp_path / "page.md", text.replace(FAILED.name, "test_x")), this_course, failed)
    assert unknown.message == "m01_background_tasks/welcome_email has no behaviour 'test_x'"


@pytest.mark.parametrize(
    ("excerpt", "first_missing"),
    [
        (SOURCE, ""),
        ("first()\n\nsecond()", ""),
        ("    if True:\n        first()", ""),
        ("if True:\n    first()", ""),
        ("first()\nsecond()", "second()"),
        ("if True:\n  first()", "  first()"),
        ("third()", "third()"),
    ],
)
def test_an_excerpt_stands_in_its_source(excerpt: str, first_missing: str) -> None:
    assert missing(excerpt, SOURCE) == first_missing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 12 ms", "took 3.5 ms"),
        ("   4 ms  a", " 154 ms  a"),
        ("task 1f0c9e2ab4d04c35a1b2c3d4e5f60718", "task 2a0c9e2ab4d04c35a1b2c3d4e5f60719"),
        ("<Task at 0x7f33>", "<Task at 0x7f44>"),
        ("http://127.0.0.1:8123/", "http://127.0.0.1:9/"),
        ("Started server process [12]", "Started server process [345]"),
        ("name='Task-3'", "name='Task-14'"),
        ("at 2026-03-01T09:00:00.123", "at 2026-03-02 10:00:01"),
    ],
)
def test_what_varies_makes_no_difference(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("5 mails", "6 mails"), ("status 202", "status 200"), ("a b", "ab")])
def test_what_does_not_vary_makes_one(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_feedback_may_be_wrapped_elsewhere() -> None:
    one = "✗ S.  0 / 2\n      1 ms  visitor  GET /jobs/82d906218a6540d3a1b2a4b8\n{0}0342e695 (asked 9 times): 200\n"
    other = (
        "✗ S.  0 / 2\n    111 ms  visitor  GET\n{0}/jobs/92d906218a6540d3a1b2a4b80342e69f (asked 10\n{0}times): 200\n"
    )
    assert feedback_core(one.format(" " * 19)) == feedback_core(other.format(" " * 19))


@pytest.mark.parametrize(
    ("line", "count"),
    [("V->>A: hello", 0), ("A-->>V: 202", 0), ("Note over A,V: both", 0), ("V->>B: hello", 1), ("V says hello", 1)],
)
def test_a_diagram_is_read(line: str, count: int) -> None:
    text = f"sequenceDiagram\n    participant V as visitor\n    participant A as app\n    {line}"
    assert len(list(diagram.faults(text))) == count


def test_a_lesson_needs_its_parts(tmp_path: Path) -> None:
    course = load(course_on_disk.write(tmp_path))
    parts = ["the problem", "what was measured", "the smallest change", "an exercise"]
    page = Page(course.exercises[0].lesson, "# The greeting\n\n" + "".join(f"## {part}\n" for part in parts))
    assert {found.message for found in check.findings(page, course, no_grading)} == {
        "12 words; a lesson has 400 to 800, code not counted",
        "feedback links to the heading ## The smallest change: have it once",
        'no heading "## ..." for the smallest change, or not at its place',
        'no heading "## ..." for the mistake everybody makes once, or not at its place',
        'no heading "## ..." for what this does not give you, or not at its place',
        "the command is missing: grader check greeting",
    }
