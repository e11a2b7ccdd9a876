"""Grade everything that exists for an exercise, and say what is not as declared.

``python -m tests.try_out welcome_email`` grades solution, starter, alternatives and mutants once and prints which
behaviours each of them fails; ``--times 50`` does it again and again, ``--load`` keeps both cores busy meanwhile, and
``--show NAME`` prints the timeline of one file.
"""

# ruff: noqa: T201 - printing is what a command does

from __future__ import annotations

import argparse
import sys

from grader.course import load
from grader.report.verdict import Report, Verdict
from grader.run import Grader
from tests.benchmarks.load import busy_cores
from tests.proof import Case, account, cases

SYMBOLS = {Verdict.PASSED: ".", Verdict.FAILED: "x", Verdict.BLOCKED: "-", Verdict.ERROR: "E"}


def main() -> int:
    """Run the command line; exit status 1 when something is not as declared."""
    asked = _arguments()
    [exercise] = load().find(asked.exercise)
    wanted = [case for case in cases(exercise) if not asked.show or asked.show in (case.path.stem, case.kind)]
    complaints = 0
    with busy_cores(asked.load), Grader() as grader:
        for turn in range(asked.times):
            for case in wanted:
                report = grader.grade(exercise, case.path)
                complaints += _told(case, report, turn)
                if asked.show:
                    print(report.problem, account(report.behaviours), sep="\n")
    print(f"{complaints} complaints in {asked.times} rounds")
    return 1 if complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercise")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--show", default="")
    return parser.parse_args()


def _told(case: Case, report: Report, turn: int) -> bool:
    """Print a row in the first round, and a complaint in any; return whether there was one."""
    if turn == 0:
        marks = "".join(SYMBOLS[b.verdict] for b in report.behaviours)
        points = f"{report.earned:3}/{report.points:<3}"
        print(f"{case.kind:12}{case.path.stem:44}{marks:10}{points}{report.duration:6.0f} ms")
    complaint = case.complaint(report)
    if complaint:
        print(f"  WRONG in round {turn + 1}: {case.path.stem}: {complaint}", flush=True)
    return bool(complaint)


if __name__ == "__main__":
    sys.exit(main())
