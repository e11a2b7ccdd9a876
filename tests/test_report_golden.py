"""Golden reports: a submission, the spec of an exercise, and the report that they must give.

``GOLDEN=write pytest tests/test_report_golden.py`` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from grader.course import load
from grader.report.document import to_json
from grader.run import Grader

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "golden"
EXERCISE = "m01_background_tasks/welcome_email"
FIRST_EVENTS = 3
"""How much of a failure's timeline is compared: what comes after the verdict is the world being taken down."""

CASES = {
    "solution": ROOT / "solutions" / f"{EXERCISE}.py",
    "mutant": ROOT / "tests" / "mutants" / EXERCISE / "sends_before_answering.py",
    "syntax_error": HERE / "syntax_error.py.txt",
    "missing_app": HERE / "missing_app.py.txt",
    "missing_module": HERE / "missing_module.py.txt",
    "missing_file": HERE / "there_is_no_such_file.py",
}
VARIES = [
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"(?:/[\w.-]+)+/(?=run\d+/|code/)", "<folder>/"),
    (re.escape(f"{ROOT}/"), ""),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"\b\d+(\.\d+)? m?s\b", "<time>"),
]


@pytest.mark.parametrize("case", CASES)
def test_the_report_is_the_golden_one(warm_grader: Grader, case: str) -> None:
    (exercise,) = load().find(EXERCISE)
    report = warm_grader.grade(exercise, CASES[case])
    document = json.loads(to_json([report], several=False, grader_version=report.grader_version))
    normal = normalised(document)
    golden = HERE / f"{case}.json"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(json.dumps(normal, indent=2) + "\n", encoding="utf-8")
    assert normal == json.loads(golden.read_text(encoding="utf-8"))


def normalised(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what differs from run to run and from release to release."""
    text = json.dumps(document)
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text)
    normal: dict[str, Any] = json.loads(text)
    normal |= {"duration": 0, "grader_version": "<version>"}
    for behaviour in normal["behaviours"]:
        events = behaviour["timeline"][:FIRST_EVENTS] if behaviour["verdict"] == "failed" else []
        behaviour["timeline"] = [event | {"at": 0} for event in events]
        behaviour["output"] = behaviour["output"] if normal["problem"] else ""
        behaviour["duration"] = 0
    return normal
