"""Every lesson's code runs, and what lessons show was printed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course, Module, load
from grader.run import Grader
from tests.lessons import check
from tests.lessons.page import Page
from tests.lessons.quoted import Grade, grades

COURSE = load()
PAGES = check.pages(COURSE)
PATIENT = 60.0
"""Seconds for one script: more than readers are promised, because this machine may be busy with other tests."""


@pytest.fixture(scope="session")
def grade(this_course: Course, warm_grader: Grader) -> Grade:
    """Grades what lessons quote."""
    return grades(this_course, lambda: warm_grader)


@pytest.mark.timeout(300)  # several scripts and gradings, each of which may take its time
@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_page_is_as_it_should_be(path: Path, grade: Grade) -> None:
    found = check.findings(Page.read(path), COURSE, grade, PATIENT)
    assert not found, "\n".join(f"{path.name}:{one.line}: {one.message}\n{one.fresh or ''}" for one in found)


@pytest.mark.parametrize("module", COURSE.modules, ids=lambda module: module.name)
def test_every_module_has_a_sequence_diagram(module: Module) -> None:
    blocks = [block for path in PAGES if path.parent.name == module.name for block in Page.read(path).blocks]
    assert any(block.language == "mermaid" and block.text.startswith("sequenceDiagram") for block in blocks)


@pytest.mark.parametrize("module", COURSE.modules, ids=lambda module: module.name)
def test_every_module_introduces_its_lessons_in_order(module: Module) -> None:
    page = Page.read(COURSE.root / "modules" / module.name / "README.md")
    places = [page.text.find(f"({exercise.name}.md)") for exercise in module.exercises]
    assert -1 not in places, "a lesson is not linked"
    assert places == sorted(places)
