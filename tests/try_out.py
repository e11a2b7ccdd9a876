"""Grade everything that exists for an exercise, and say what is not as declared.

``python -m tests.try_out m01_background_tasks/welcome_email`` grades solution, starter, alternatives and mutants once and
prints the kill table; ``--times 50`` does it again and again, ``--load`` keeps both cores busy meanwhile, and
``--show NAME`` prints the timeline of one file.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.course import Exercise, load
from grader.report.verdict import Report, Verdict
from grader.run import Grader

SYMBOLS = {Verdict.PASSED: ".", Verdict.FAILED: "x", Verdict.BLOCKED: "-", Verdict.ERROR: "E"}


@dataclass(frozen=True)
class Case:
    """A file, and what is declared of it: the behaviours that must fail, or None for a starter: at least one."""

    kind: str
    path: Path
    fails: tuple[str, ...] | None

    def complaint(self, report: Report) -> str:
        """Say in what the report is not as declared; empty when it is."""
        if report.errors:
            return f"the grader failed: {report.errors[0].message}"
        failed = tuple(b.name for b in report.behaviours if b.verdict is Verdict.FAILED)
        if self.fails is None:
            return report.problem or ("" if failed else "the starter solves the exercise")
        if set(failed) != set(self.fails) or (report.problem and self.fails != ()):
            told = [f"{b.name}: {b.message}" for b in report.behaviours if b.verdict is not Verdict.PASSED]
            return f"declared {sorted(self.fails)}, failed {sorted(failed)}: {told}"
        return "" if self.fails or report.solved else f"not solved: {report.problem}"


def declared(path: Path, name: str) -> object:
    """Read a literal that a mutant declares at module level, without running it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    raise KeyError(f"{path} declares no {name}")


def cases(exercise: Exercise) -> list[Case]:
    """Everything that can be graded for an exercise."""
    mutants = []
    for path in exercise.mutants:
        fails = declared(path, "FAILS")
        assert isinstance(fails, list), path
        mutants.append(Case("mutant", path, tuple(fails)))
    return [
        Case("solution", exercise.solution, ()),
        Case("starter", exercise.starter, None),
        *(Case("alternative", path, ()) for path in exercise.alternatives),
        *mutants,
    ]


@contextlib.contextmanager
def busy_cores(wanted: bool) -> Iterator[None]:
    """Keep every core busy, as a class full of graders would."""
    spinners = [multiprocessing.Process(target=_spin, daemon=True) for _ in range((os.cpu_count() or 2) * wanted)]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()


def _spin() -> None:
    while os.getppid() != 1:
        sum(range(100_000))


def _row(case: Case, report: Report) -> str:
    marks = "".join(SYMBOLS[b.verdict] for b in report.behaviours)
    return f"{case.kind:12}{case.path.stem:44}{marks:10}{report.earned:3}/{report.points:<3}{report.duration:6.0f} ms"


def _show(report: Report) -> None:
    print(report.problem)
    for b in report.behaviours:
        print(f"{b.verdict}: {b.sentence} | {b.message}")
        for event in b.timeline:
            print(f"    {event.at:8.1f} ms  {event.part:10} {event.text}")
        if b.output:
            print("    output:", b.output.replace("\n", "\n      "))


def main() -> int:
    """Run the command line; the number of complaints decides the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exercise")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--show", default="")
    asked = parser.parse_args()
    [exercise] = load().find(asked.exercise)
    complaints = 0
    with busy_cores(asked.load), Grader() as grader:
        for turn in range(asked.times):
            for case in cases(exercise):
                if asked.show and asked.show not in (case.path.stem, case.kind):
                    continue
                report = grader.grade(exercise, case.path)
                complaint = case.complaint(report)
                complaints += bool(complaint)
                if turn == 0:
                    print(_row(case, report))
                if complaint:
                    print(f"  WRONG in round {turn + 1}: {case.path.stem}: {complaint}", flush=True)
                if asked.show:
                    _show(report)
    print(f"{complaints} complaints in {asked.times} rounds")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
