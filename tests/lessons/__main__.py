"""Run what lessons show, and say what is not as they show it.

``python -m tests.lessons modules/m01_background_tasks/welcome_email.md`` checks one page, no name all of them;
``--write`` puts the real outputs in place.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import argparse
import contextlib
import difflib
import sys
from pathlib import Path

from grader.course import Course, load
from grader.run import Grader
from tests.lessons import check
from tests.lessons.page import Finding, Page
from tests.lessons.quoted import Grade, grades


def main() -> int:
    """Run the command line; exit status 1 when a page is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="default: all pages below modules/")
    parser.add_argument("--write", action="store_true", help="put the real outputs into the pages")
    asked = parser.parse_args()
    course = load()
    paths = [path.resolve() for path in asked.pages] or check.pages(course)
    with contextlib.ExitStack() as stack:
        opened: list[Grader] = []

        def grader() -> Grader:
            if not opened:
                opened.append(stack.enter_context(Grader()))
            return opened[0]

        grade = grades(course, grader)
        open_findings = sum(_page(course, path, grade, write=asked.write) for path in paths)
    return 1 if open_findings else 0


def _page(course: Course, path: Path, grade: Grade, *, write: bool) -> int:
    """Check one page, and renew it if asked to; return how many findings remain."""
    try:
        page = Page.read(path)
    except OSError as error:
        print(f"{path}: {error.strerror}")
        return 1
    findings = check.findings(page, course, grade)
    fresh = {found.block.number: found.fresh for found in findings if found.block and found.fresh is not None}
    if write and fresh and Page.read(path).text == page.text:
        path.write_text(page.with_blocks(fresh).text, encoding="utf-8")
        findings = [found for found in findings if found.fresh is None]
        print(f"{path.name}: {len(fresh)} outputs written")
    elif write and fresh:
        print(f"{path.name}: somebody changed it meanwhile, so nothing was written; run this again")
    for found in findings:
        _show(path, found)
    if not findings:
        print(f"{path.name}: as it should be")
    return len(findings)


def _show(path: Path, found: Finding) -> None:
    print(f"{path.name}:{found.line}: {found.message}")
    if found.block and found.fresh is not None:
        before, after = found.block.text.splitlines(), found.fresh.splitlines()
        for line in list(difflib.unified_diff(before, after, "shown", "real", lineterm=""))[2:]:
            print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
