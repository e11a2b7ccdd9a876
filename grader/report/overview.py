"""Several reports at a glance: a line each, and below it the sentences that do not hold yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.report import clean
from grader.report.layout import DEFAULT_WIDTH, EMPTY, Line, Piece, paragraph
from grader.report.terminal import MARKS
from grader.report.verdict import Report, Verdict

MOST_PROBLEM_LINES = 3


def overview_lines(reports: Sequence[Report], width: int = DEFAULT_WIDTH) -> Iterator[Line]:
    """The table of reports in their order, and the sums."""
    column = max((len(report.exercise) for report in reports), default=0)
    yield (Piece(f"  {'exercise':<{column}}  behaviours      points        time", "quiet"),)
    for report in reports:
        yield _row(report, column)
        yield from _open(report, width)
    yield EMPTY
    yield _sums(reports)


def _row(report: Report, column: int) -> Line:
    passed = sum(result.verdict is Verdict.PASSED for result in report.behaviours)
    verdict = Verdict.PASSED if report.solved else Verdict.ERROR if report.errors else Verdict.FAILED
    behaviours = f"{passed} / {len(report.behaviours)}"
    points = f"{report.earned} / {report.points}"
    return (
        Piece(f"{MARKS[verdict]} ", verdict.value),
        Piece(f"{clean.one_line(report.exercise):<{column}}"),
        Piece(f"  {behaviours:>10}  {points:>10}", verdict.value),
        Piece(f"  {report.duration:>7.0f} ms", "quiet"),
    )


def _open(report: Report, width: int) -> Iterator[Line]:
    for line in clean.lines(report.problem, MOST_PROBLEM_LINES):
        yield from paragraph(line.strip(), width, first=(Piece("    "),), style="failed")
    for result in () if report.problem else report.behaviours:
        if result.verdict is not Verdict.PASSED:
            first = (Piece(f"    {MARKS[result.verdict]} ", result.verdict.value),)
            yield from paragraph(clean.one_line(result.sentence), width, first=first)


def _sums(reports: Sequence[Report]) -> Line:
    solved = sum(report.solved for report in reports)
    earned, points = sum(report.earned for report in reports), sum(report.points for report in reports)
    style = "passed" if solved == len(reports) else "failed"
    return (
        Piece(f"{solved} of {len(reports)} exercises solved", style),
        Piece(f", {earned} of {points} points."),
    )
