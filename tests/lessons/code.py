"""Every block of a page: what it shows is held against what really is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.lessons import diagram, quoted
from tests.lessons.normal import feedback_core, normal
from tests.lessons.page import Block, Finding, Page
from tests.lessons.script import LIMIT, Ran, run

OUTPUT = ("output", "output: fails")
VERDICTS = ("verdict", "verdict without timeline")
PRINTED = ("text", "console", "output", "")
"""Languages in which a block could hold something that nobody printed."""
TURNS = 4
COMMANDS = ("$ ", "grader ", "uvicorn ", "curl ")


class CodeCheck:
    """Checks the blocks of one page.

    root: the course's folder; grade: grades its files; limit: seconds that a script may take.
    """

    def __init__(self, page: Page, root: Path, grade: quoted.Grade, limit: float = LIMIT) -> None:
        self._page = page
        self._root = root
        self._grade = grade
        self._limit = limit
        self._ran: dict[int, Ran] = {}

    def findings(self) -> Iterator[Finding]:
        """What is wrong, block by block; a stale output comes with the fresh one."""
        for block in self._page.blocks:
            if self._page.lines[block.line - 1].startswith(" "):
                yield _at(block, "a fence begins at the beginning of its line: this one cannot be proven")
                continue
            kind, _, rest = block.note.partition(": ")
            if kind == "excerpt":
                yield from self._excerpt(block, rest)
            elif kind in VERDICTS:
                yield from self._verdict(block, rest, timeline=kind == "verdict")
            elif kind == "output":
                yield from self._output(block)
            elif block.language == "python":
                yield from self._script(block)
            elif block.language == "mermaid":
                yield from (_at(block, told) for told in diagram.faults(block.text))
            elif block.language in PRINTED and not _commands_only(block):
                yield _at(block, "say where this is from: <!-- output --> or <!-- verdict: FILE TEST --> above it")

    def _excerpt(self, block: Block, name: str) -> Iterator[Finding]:
        path = self._root / name
        if not path.is_file():
            yield _at(block, f"there is no {name} to take an excerpt from")
        elif not block.text.strip():
            yield _at(block, "the excerpt is empty: copy the lines that it shall show")
        elif line := quoted.missing(block.text, path.read_text(encoding="utf-8")):
            yield _at(block, f"these lines do not stand in {name} one after the other; the first that does not: {line}")

    def _verdict(self, block: Block, note: str, *, timeline: bool) -> Iterator[Finding]:
        """Chance may move an event; what is shown must have been seen, so it may be asked for several times."""
        fresh = ""
        for turn in range(TURNS if block.text else 1):
            try:
                fresh = quoted.verdict(self._root, note, self._grade, turn, timeline=timeline)
            except LookupError as error:
                yield _at(block, str(error))
                return
            if feedback_core(block.text) == feedback_core(fresh):
                return
        yield Finding(block.line, "the grader says something else", block, fresh)

    def _output(self, block: Block) -> Iterator[Finding]:
        before = self._page.blocks[block.number - 1] if block.number else None
        if block.note not in OUTPUT:
            yield _at(block, f"write <!-- output --> or <!-- output: fails -->, not <!-- {block.note} -->")
        elif before is None or before.language != "python" or before.note:
            yield _at(block, "an output belongs right behind the python block that printed it")
        else:
            fresh = self._run(before).printed or "(nothing)"
            if normal(block.text) != normal(fresh):
                yield Finding(block.line, "the script prints something else", block, fresh)

    def _script(self, block: Block) -> Iterator[Finding]:
        ran = self._run(block)
        after = self._page.blocks[block.number + 1 :][:1]
        fails = bool(after) and after[0].note == "output: fails"
        last = ran.printed.rpartition("\n")[2]
        if ran.status is None:
            yield _at(block, f"the script did not end within {self._limit:g} s; it printed last: {last}")
        elif fails and not ran.status:
            yield _at(block, "the script was expected to fail and ended well")
        elif ran.status and not fails:
            yield _at(block, f"the script ended with exit status {ran.status}; it printed last: {last}")

    def _run(self, block: Block) -> Ran:
        if block.number not in self._ran:
            self._ran[block.number] = run(block.text, self._limit)
        return self._ran[block.number]


def _commands_only(block: Block) -> bool:
    return block.language == "console" and all(line.startswith(COMMANDS) for line in block.text.split("\n"))


def _at(block: Block, message: str) -> Finding:
    return Finding(block.line, message)
