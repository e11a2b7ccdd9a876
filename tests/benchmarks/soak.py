"""Grade everything again and again with every core busy: ``python -m tests.benchmarks.soak [EXERCISE...]``.

Two graders for each core fight for it, so that all of them, and what they grade, are late at some moment or other.
Every solution and alternative has to earn full marks each time, and every mutant (and starter) has to fail the same
behaviours each time, which for a mutant are those that it declares. Exit status 1 when that was not so, even once.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from grader.classroom.batch import Work, graded
from grader.course import Exercise, load
from grader.errors import GraderError
from grader.report.verdict import Report, Verdict
from tests.benchmarks.load import busy_cores
from tests.proof import KINDS, Case, account, cases, failures

RIGHT = ("solution", "alternative")
TOLD = 5
"""How many complaints are printed for an exercise; the others are counted."""
TOLD_EACH = 200
"""After how many runs there is a line, where there is no terminal for a bar."""


@dataclass
class Tally:
    """What became of one exercise's runs; seconds: of wall time."""

    exercise: Exercise
    submissions: int
    runs: int = 0
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, case: Case, report: Report) -> None:
        """Count one run, and hold it against the declaration and the runs before."""
        self.runs += 1
        failed = failures(report)
        usual = self.seen.setdefault(case.id, failed)
        complaint = case.complaint(report)
        if not complaint and failed != usual:
            complaint = f"failed {sorted(failed)}, and {sorted(usual)} before"
        if complaint:
            lost = [result for result in report.behaviours if result.verdict is not Verdict.PASSED]
            self.complain(f"run {self.runs}, {case.id}: {complaint}", account(lost))

    def complain(self, complaint: str, details: str = "") -> None:
        """Note what was not as it should be, and print the first few: they may not come again for hours."""
        self.complaints.append(complaint)
        if len(self.complaints) <= TOLD:
            print(complaint, details, sep="\n", flush=True)


def rounds(found: Sequence[Case], times: int, mutant_times: int) -> list[Case]:
    """The cases as often as they are to be graded, spread over the rounds so that different ones meet."""
    wanted = {case.id: times if case.kind in RIGHT else mutant_times for case in found}
    return [case for turn in range(max(wanted.values())) for case in found if turn < wanted[case.id]]


def soak(exercise: Exercise, asked: argparse.Namespace, progress: Progress) -> Tally:
    """Grade all that belongs to one exercise as often as was asked."""
    found = [case for case in cases(exercise) if asked.only in ("", case.kind)]
    work = rounds(found, asked.times, asked.mutant_times)
    tally = Tally(exercise, len(found))
    bar = progress.add_task(exercise.id, total=len(work))
    began = time.monotonic()
    try:
        for place, report in graded([Work(exercise, case.path) for case in work], asked.jobs):
            tally.take(work[place], report)
            progress.advance(bar)
            if progress.disable and tally.runs % TOLD_EACH == 0:
                print(f"{exercise.id}: {tally.runs} of {len(work)}", flush=True)
    except GraderError as error:
        tally.complain(f"{exercise.id}: {error}")
    tally.seconds = time.monotonic() - began
    return tally


def table(tallies: Sequence[Tally]) -> Table:
    """The outcome, a row for each exercise."""
    made = Table("exercise", "submissions", "runs", "failures", "seconds")
    for tally in tallies:
        numbers = (tally.submissions, tally.runs, len(tally.complaints), round(tally.seconds))
        made.add_row(tally.exercise.id, *map(str, numbers))
    return made


def main() -> int:
    """Run the command line; exit status 1 when anything was not as declared, even once."""
    asked = _arguments()
    course = load()
    exercises = list(dict.fromkeys(one for name in asked.exercises for one in course.find(name)))
    console = Console()
    tallies: list[Tally] = []
    try:
        with busy_cores(asked.load), _progress(console) as progress:
            for exercise in exercises:
                tallies.append(soak(exercise, asked, progress))
                if not console.is_terminal:
                    print(f"{exercise.id}: {tallies[-1].runs} runs, {len(tallies[-1].complaints)} failures", flush=True)
    except KeyboardInterrupt:
        console.print("Ended early; these were finished:")
    console.print(table(tallies))
    unfinished = len(tallies) < len(exercises)
    return 1 if unfinished or any(tally.complaints for tally in tallies) else 0


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", default=["all"], metavar="EXERCISE")
    parser.add_argument("--times", type=int, default=50, help="for solutions and alternatives")
    parser.add_argument("--mutant-times", type=int, default=10, help="for mutants and the starter")
    parser.add_argument("--only", default="", choices=KINDS, help="leave the other kinds out")
    parser.add_argument("--load", action="store_true", help="keep a spinning process on each core besides")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="how many grade at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
