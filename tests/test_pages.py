"""The README and the guide for contributors show nothing that was not produced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.course import Course
from grader.run import Grader
from tests.lessons import check
from tests.lessons.page import Page
from tests.lessons.quoted import grades

ROOT = Path(__file__).resolve().parent.parent
PATIENT = 60.0


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "grader/report/README.md"])
def test_a_page_is_as_it_should_be(name: str, this_course: Course, warm_grader: Grader) -> None:
    found = check.findings(Page.read(ROOT / name), this_course, grades(this_course, lambda: warm_grader), PATIENT)
    assert not found, "\n".join(f"{name}:{one.line}: {one.message}\n{one.fresh or ''}" for one in found)


def test_the_readme_names_the_targets_that_the_makefile_has() -> None:
    targets = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()}
    pages = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", pages, re.MULTILINE))
    assert {"demo", "test", "setup"} <= named <= targets
