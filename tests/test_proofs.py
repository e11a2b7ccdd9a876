"""The proofs of this repository find what they are there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course
from grader.report.verdict import Report, Verdict
from tests.hints import giveaways
from tests.promise import Promise, statements
from tests.proof import Case, Declaration, UnsteadyVerdict, proven
from tests.reports_by_hand import BLOCKED, ERROR, FAILED, PASSED, report

STARTER = '''"""The task."""
from fastapi import FastAPI
class Job:
    name: str
app = FastAPI()
@app.get("/jobs")
async def jobs(limit: int) -> list[str]:
    """All of them."""
    return [
        "one",
    ]
'''
SOLUTION = STARTER.replace("limit: int", "limit: int, tasks: BackgroundTasks") + "bag = set()\nbag.discard(Job.name)\n"
MUTANT = '"""Says nothing."""\nMISTAKE = "A7"\nFAILS = ["test_email_leaves_after_the_response"]\n'


def promise(tmp_path: Path, text: str) -> Promise:
    path = tmp_path / "file.py"
    path.write_text(text, encoding="utf-8")
    return Promise.read(path)


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("", "", []),
        ("The task", "Another", ["the docstring is another one"]),
        ('"/jobs"', '"/works"', ["GET /jobs is in one of them only", "GET /works is in one of them only"]),
        ("class Job", "class Work", ["Job is missing", "the field Job.name is missing"]),
        ("name: str", "label: str", ["the field Job.name is missing"]),
        ("limit: int", "most: int", ["jobs takes ['most'] instead of ['limit']"]),
        ("limit: int", "limit: int, skip: int", []),
    ],
)
def test_a_promise_is_kept_or_not(tmp_path: Path, old: str, new: str, broken: list[str]) -> None:
    kept = promise(tmp_path, SOLUTION.replace(old, new))
    assert promise(tmp_path, STARTER).broken_by(kept) == broken


def test_a_wrapped_statement_is_one_line_and_a_docstring_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(STARTER, encoding="utf-8")
    assert statements(path) == 5


@pytest.mark.parametrize(
    ("hint", "count"),
    [
        ("Who calls jobs, and when?", 0),
        ("When may it be discarded?", 0),
        ("Remember to call discard() at the end.", 1),
        ("Use `discard` at the end.", 1),
        ("Ask the BackgroundTasks.", 1),
        ("What does jobs() wait for?", 0),
        ("Set limit=3.", 1),
        ("Is it >= 3?", 0),
    ],
)
def test_a_hint_gives_code_away_or_not(hint: str, count: int) -> None:
    assert len(giveaways(hint, STARTER, SOLUTION)) == count


@pytest.mark.parametrize(
    ("kind", "graded", "fine"),
    [
        ("solution", report(PASSED), True),
        ("solution", report(PASSED, FAILED), False),
        ("solution", report(PASSED, BLOCKED), False),
        ("alternative", report(PASSED, ERROR), False),
        ("starter", report(PASSED, FAILED), True),
        ("starter", report(PASSED), False),
        ("starter", report(BLOCKED, problem="SyntaxError"), False),
        ("mutant", report(PASSED, FAILED, BLOCKED), True),
        ("mutant", report(PASSED), False),
        ("mutant", report(FAILED, PASSED.model_copy(update={"verdict": Verdict.FAILED})), False),
        ("mutant", report(BLOCKED, problem="SyntaxError"), False),
    ],
)
def test_a_report_is_as_declared_or_not(
    tmp_path: Path, this_course: Course, kind: str, graded: Report, fine: bool
) -> None:
    path = tmp_path / "mutant.py"
    path.write_text(MUTANT, encoding="utf-8")
    assert (Case(this_course.exercises[0], kind, path).complaint(graded) == "") is fine


def test_a_verdict_that_stays_wrong_is_a_complaint_and_an_unsteady_one_a_warning(this_course: Course) -> None:
    case = Case(this_course.exercises[0], "solution", this_course.exercises[0].solution)
    assert "failed" in proven(case, lambda _exercise, _path: report(PASSED, FAILED))
    reports = iter([report(PASSED, FAILED), report(PASSED)])
    with pytest.warns(UnsteadyVerdict, match="welcome_email-solution"):
        assert proven(case, lambda _exercise, _path: next(reports)) == ""


@pytest.mark.parametrize("line", MUTANT.splitlines(keepends=True))
def test_a_mutant_without_a_declaration_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "mutant.py"
    path.write_text(MUTANT.replace(line, ""), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mutant\.py needs"):
        Declaration.read(path)
