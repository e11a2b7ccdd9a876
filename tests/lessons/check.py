"""All checks of one page, whichever kind of page it is."""

from __future__ import annotations

from pathlib import Path

from grader.course import Course
from tests.lessons.code import CodeCheck
from tests.lessons.page import Finding, Page
from tests.lessons.prose import lesson_findings, page_findings
from tests.lessons.quoted import Grade
from tests.lessons.script import LIMIT


def pages(course: Course) -> list[Path]:
    """Every page below ``modules/``."""
    return sorted((course.root / "modules").glob("*/*.md"))


def findings(page: Page, course: Course, grade: Grade, limit: float = LIMIT) -> list[Finding]:
    """What is wrong on a page, from top to bottom.

    grade: see ``quoted.grades``; limit: seconds that each of its scripts may take.
    """
    found = [*page_findings(page), *CodeCheck(page, course.root, grade, limit).findings()]
    for exercise in course.exercises:
        if exercise.lesson == page.path:
            found += lesson_findings(page, exercise, course)
    return sorted(found, key=lambda finding: finding.line)
