"""One report as lines of text: a passed behaviour is one line, a failed one shows its timeline."""

from __future__ import annotations

from collections.abc import Iterator

from grader.report import clean
from grader.report.layout import DEFAULT_WIDTH, EMPTY, Line, Piece, paragraph, plain, with_right
from grader.report.verdict import BehaviourResult, Event, Report, Verdict

MARKS = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.BLOCKED: "-", Verdict.ERROR: "!"}
MOST_EVENTS = 24
SHORT = 2
NEVER = "The submission never came up, so no behaviour could be looked at."
BLAME = "This is the grader's own fault, not yours, and costs you nothing:"


def report_lines(report: Report, width: int = DEFAULT_WIDTH, *, show_output: bool = False) -> Iterator[Line]:
    """The whole feedback on one submission.

    width: columns to fill. show_output: whether to show what the submission printed.
    """
    yield (Piece(clean.one_line(report.exercise), "heading"), Piece("  "), Piece(clean.one_line(report.title)))
    yield (Piece(clean.one_line(report.submission.path), "quiet"),)
    yield EMPTY
    if report.problem:
        yield from _problem(report, width, show_output=show_output)
    else:
        yield from _blocks(report.behaviours, width, show_output=show_output)
    yield EMPTY
    yield summary(report)


def feedback(result: BehaviourResult, width: int = DEFAULT_WIDTH) -> str:
    """The feedback on one behaviour as plain text, as a lesson quotes it."""
    return plain(result_lines(result, width))


def result_lines(result: BehaviourResult, width: int = DEFAULT_WIDTH, *, show_output: bool = False) -> Iterator[Line]:
    """The feedback on one behaviour."""
    style = result.verdict.value
    earned = "?" if result.verdict is Verdict.ERROR else result.earned
    points = Piece(f"{earned} / {result.points}", style)
    room = width - len(points.text) - 2
    first = (Piece(f"{MARKS[result.verdict]} ", style),)
    yield from with_right(paragraph(clean.one_line(result.sentence), room, first=first), points, width)
    if result.verdict is Verdict.FAILED:
        yield from _events(result.timeline, width)
    yield from _meaning(result, width)
    yield from _output(result, width, shown=show_output)
    if result.verdict is Verdict.FAILED:
        yield from _advice(result, width)


def summary(report: Report) -> Line:
    """The last line: points and behaviours."""
    passed = sum(result.verdict is Verdict.PASSED for result in report.behaviours)
    style = "passed" if report.solved else "error" if report.errors else "failed"
    points = f"{report.earned} of {report.points} points"
    return (Piece(points, style), Piece(f", {passed} of {len(report.behaviours)} behaviours."))


def _blocks(results: tuple[BehaviourResult, ...], width: int, *, show_output: bool) -> Iterator[Line]:
    """An empty line sets off every behaviour that takes several lines."""
    before = 1
    for number, result in enumerate(results):
        block = list(result_lines(result, width, show_output=show_output))
        if number and max(before, len(block)) > SHORT:
            yield EMPTY
        yield from block
        before = len(block)


def _problem(report: Report, width: int, *, show_output: bool) -> Iterator[Line]:
    for line in clean.lines(report.problem):
        indent = len(line) - len(line.lstrip())
        yield from paragraph(line.strip(), width, first=(Piece("  " + " " * indent),), style="failed")
    output = next((result.output for result in report.behaviours if result.output), "")
    if show_output:
        yield from _printed(output, width)
    elif clean.noteworthy(output):
        yield (Piece("  --show-output shows what was printed.", "quiet"),)
    yield EMPTY
    yield from paragraph(NEVER, width)


def _events(timeline: tuple[Event, ...], width: int) -> Iterator[Line]:
    head = MOST_EVENTS // 3
    tail = MOST_EVENTS - head
    shown = timeline if len(timeline) <= MOST_EVENTS else timeline[:head] + timeline[-tail:]
    column = max((len(clean.one_line(event.part)) for event in shown), default=0)
    for number, event in enumerate(shown):
        if number == head and len(shown) < len(timeline):
            yield (Piece(f"{'…':>10}  {len(timeline) - len(shown)} more lines are left out", "quiet"),)
        part = clean.one_line(event.part)
        first = (Piece(f"{event.at:>7.0f} ms  ", "quiet"), Piece(f"{part:<{max(column, 8)}}  ", "part"))
        yield from paragraph(clean.one_line(event.text), width, first=first)


def _meaning(result: BehaviourResult, width: int) -> Iterator[Line]:
    if result.verdict is Verdict.PASSED:
        return
    if result.verdict is Verdict.ERROR:
        yield from paragraph(BLAME, width, first=(Piece("  "),), style="error")
    style = {Verdict.FAILED: "meaning", Verdict.ERROR: ""}.get(result.verdict, "quiet")
    for line in clean.lines(result.message):
        yield from paragraph(line, width, first=(Piece("  "),), style=style)


def _output(result: BehaviourResult, width: int, *, shown: bool) -> Iterator[Line]:
    if shown:
        yield from _printed(result.output, width)
    elif result.verdict is Verdict.FAILED and clean.noteworthy(result.output):
        yield (Piece("  Your app printed something, too: --show-output shows it.", "quiet"),)


def _printed(output: str, width: int) -> Iterator[Line]:
    printed = clean.lines(output)
    if printed:
        yield (Piece("  Your app printed:", "quiet"),)
    for line in printed:
        yield from paragraph(line, width, first=(Piece("  | ", "quiet"),))


def _advice(result: BehaviourResult, width: int) -> Iterator[Line]:
    for word, text in (("Hint", result.hint), ("Read", result.lesson)):
        if text:
            yield from paragraph(clean.one_line(text), width, first=(Piece("  "), Piece(f"{word}  ", "word")))
