"""What surrounds the code: the lesson's length, its headings in their order, links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.spec import HEADING
from tests.lessons.page import Finding, Page

FEWEST, MOST = 400, 800
INLINE_CODE = re.compile(r"`+[^`]*`+")
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)")
COMMAND = re.compile(r"grader (check|play|hint) ([\w/]+)")
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u26ff\u2728\u2705\u274c\ufe0f]")
ORDER = {
    "the problem": re.compile(r"problem", re.IGNORECASE),
    "what was measured": re.compile(r"measur|\bsaw\b|\bseen\b", re.IGNORECASE),
    "the smallest change": re.compile(r"The smallest change"),
    "the mistake everybody makes once": re.compile(r"mistake|\bonce\b|wrong", re.IGNORECASE),
    "what this does not give you": re.compile(r"\bnot\b|n't", re.IGNORECASE),
    "the exercise": re.compile(r"exercise|your turn", re.IGNORECASE),
}
"""The parts of a lesson, and how their headings are recognised."""


def lesson_findings(page: Page, exercise: Exercise, course: Course) -> Iterator[Finding]:
    """What a lesson lacks beside its code."""
    words = sum(1 for _, line in page.prose for word in line.split() if any(c.isalnum() for c in word))
    if not FEWEST <= words <= MOST:
        yield Finding(1, f"{words} words; a lesson has {FEWEST} to {MOST}, code not counted")
    if page.lines[0] != f"# {exercise.title}":
        yield Finding(1, f"the first line is the exercise's title: # {exercise.title}")
    yield from _parts(page)
    yield from _commands(page, exercise, course)


def page_findings(page: Page) -> Iterator[Finding]:
    """What is wrong on any page: links that lead nowhere, emoji."""
    for number, line in page.prose:
        if found := EMOJI.search(line):
            yield Finding(number, f"no emoji, please: {found[0]}")
        for match in LINK.finditer(INLINE_CODE.sub("``", line)):
            target = match[1] or match[2]
            if told := _broken(page, target):
                yield Finding(number, f"{target}: {told}")


def _parts(page: Page) -> Iterator[Finding]:
    left = [(number, text) for number, level, text in page.headings if level == len("##")]
    if [text for _, text in left].count(HEADING.removeprefix("## ")) != 1:
        yield Finding(1, f"feedback links to the heading {HEADING}: have it once")
    for part, pattern in ORDER.items():
        place = next((place for place, (_, text) in enumerate(left) if pattern.search(text)), None)
        if place is None:
            yield Finding(left[0][0] if left else 1, f'no heading "## ..." for {part}, or not at its place')
        else:
            left = left[place + 1 :]


def _commands(page: Page, exercise: Exercise, course: Course) -> Iterator[Finding]:
    """Commands name exercises that exist, and one of them checks this one."""
    checked = False
    for match in COMMAND.finditer(page.text):
        number = page.text.count("\n", 0, match.start()) + 1
        try:
            found = course.find(match[2])
        except GraderError as error:
            yield Finding(number, f"{match[0]}: {error}")
        else:
            checked = checked or (match[1] == "check" and found == [exercise])
    if not checked:
        yield Finding(len(page.lines), f"the command is missing: grader check {exercise.name}")


def _broken(page: Page, target: str) -> str:
    """Why a link leads nowhere; empty when it does not, or when it leads out of the repository."""
    if re.match(r"https?://|mailto:", target):
        return ""
    name, _, anchor = target.partition("#")
    path = page.path.parent / name if name else page.path
    if name.startswith("/") or not path.exists():
        return "no such file, seen from this page"
    if anchor and path.suffix == ".md" and anchor not in Page.read(path).anchors:
        return f"no heading there makes #{anchor}"
    return ""
