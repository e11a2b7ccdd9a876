"""Prints what was graded: one report in full, several at a glance, and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.cli.course_map import next_exercise
from grader.cli.progress import Progress
from grader.cli.screen import Screen
from grader.course import Course
from grader.report.layout import EMPTY, Line, Piece
from grader.report.overview import overview_lines
from grader.report.terminal import report_lines
from grader.report.verdict import Report, Verdict


def show_reports(
    course: Course, reports: Sequence[Report], progress: Progress | None, notice: str, *, show_output: bool
) -> None:
    """Print reports; progress: the student's, when it was the student's own files that were graded."""
    screen = Screen()
    if notice:
        screen.say(notice, "blocked")
    if len(reports) == 1:
        screen.show(report_lines(reports[0], screen.width, show_output=show_output))
    else:
        screen.show(overview_lines(reports, screen.width))
    if progress is not None:
        screen.show(_onward(course, reports, progress))


def _onward(course: Course, reports: Sequence[Report], progress: Progress) -> Iterator[Line]:
    open_ones = [report for report in reports if not report.solved]
    if len(reports) > 1 and open_ones:
        yield (Piece(f"grader check {_short(open_ones[0])} shows what the world saw.", "quiet"),)
    elif open_ones and any(result.verdict is Verdict.FAILED for result in open_ones[0].behaviours):
        yield (Piece(f"Stuck? grader hint {_short(open_ones[0])}", "quiet"),)
    elif not open_ones:
        yield EMPTY
        following = next_exercise(course, progress)
        solved = Piece("Solved. ", "passed")
        yield (solved, Piece(f"Next: grader check {following.name}" if following else "That was the last exercise."))


def _short(report: Report) -> str:
    return report.exercise.rpartition("/")[2]
