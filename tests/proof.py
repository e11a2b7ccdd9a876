"""What can be graded in this repository, and what is declared of it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.course import Course, Exercise
from grader.report.verdict import BehaviourResult, Report, Verdict

KINDS = ("solution", "starter", "alternative", "mutant")


@dataclass(frozen=True)
class Declaration:
    """What a mutant says of itself: its sentence, the mistake's id, the behaviours that must fail."""

    sentence: str
    mistake: str
    fails: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Declaration:
        """Read it without running the file; ValueError, naming the file, when a part is missing."""
        module = ast.parse(path.read_text(encoding="utf-8"))
        literals = {name: value for statement in module.body for name, value in _literal(statement)}
        mistake, fails = literals.get("MISTAKE"), literals.get("FAILS")
        sentence = ast.get_docstring(module) or ""
        if not sentence or not isinstance(mistake, str) or not isinstance(fails, list) or not fails:
            raise ValueError(f"{path} needs a docstring, MISTAKE = '...' and FAILS = ['...']")
        return cls(sentence, mistake, tuple(fails))


@dataclass(frozen=True)
class Case:
    """A file of an exercise; kind: one of KINDS."""

    exercise: Exercise
    kind: str
    path: Path

    @property
    def id(self) -> str:
        """Its name in reports and as a test's parameter."""
        own = f"-{self.path.stem}" if self.kind in ("alternative", "mutant") else ""
        return f"{self.exercise.id}-{self.kind}{own}"

    @cached_property
    def fails(self) -> tuple[str, ...]:
        """The behaviours that it must fail; of a starter that is not declared."""
        return Declaration.read(self.path).fails if self.kind == "mutant" else ()

    def complaint(self, report: Report) -> str:
        """Say in what a report is not as declared; empty when it is."""
        if report.errors:
            return f"the grader failed: {report.errors[0].message}"
        if report.problem:
            return f"it never ran: {report.problem}"
        failed = failures(report)
        if self.kind == "starter":
            return "" if failed else "the starter solves the exercise"
        if set(failed) != set(self.fails) or report.solved == bool(self.fails):
            told = [f"{b.name}: {b.message}" for b in report.behaviours if b.verdict is not Verdict.PASSED]
            return f"declared {sorted(self.fails)}, failed {sorted(failed)}: {told}"
        return ""


class UnsteadyVerdict(UserWarning):
    """A file was graded otherwise than declared, and then as declared."""


def proven(case: Case, grade: Callable[[Exercise, Path], Report]) -> str:
    """Grade a file; say in what it is not as declared, or nothing.

    What this proves is that the spec tells right from wrong. Whether it does so every time is for `make soak` to prove,
    which grades thousands of times and forgives nothing; one unsteady verdict in one run is only warned of here, for a
    run of thousands would hardly ever come to a good end on a machine that stutters.
    """
    first = case.complaint(grade(case.exercise, case.path))
    again = first and case.complaint(grade(case.exercise, case.path))
    if first and not again:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UnsteadyVerdict)
            warnings.warn(f"{case.id}: {first}", UnsteadyVerdict, stacklevel=2)
    return again


def failures(report: Report) -> tuple[str, ...]:
    """The behaviours that failed, not those that were blocked."""
    return tuple(result.name for result in report.behaviours if result.verdict is Verdict.FAILED)


def account(results: Iterable[BehaviourResult]) -> str:
    """What the world saw in these behaviours, and what was printed."""
    lines = []
    for result in results:
        lines += [f"{result.verdict}: {result.sentence} | {result.message}"]
        lines += [f"    {event.at:8.1f} ms  {event.part:10} {event.text}" for event in result.timeline]
        lines += [f"    | {line}" for line in result.output.splitlines()]
    return "\n".join(lines)


def cases(exercise: Exercise) -> list[Case]:
    """Everything that can be graded for an exercise."""
    return [
        Case(exercise, "solution", exercise.solution),
        Case(exercise, "starter", exercise.starter),
        *(Case(exercise, "alternative", path) for path in exercise.alternatives),
        *(Case(exercise, "mutant", path) for path in exercise.mutants),
    ]


def all_cases(course: Course) -> list[Case]:
    """Everything that can be graded."""
    return [case for exercise in course.exercises for case in cases(exercise)]


def _literal(statement: ast.stmt) -> list[tuple[str, object]]:
    """Name and value, when a statement assigns a literal to a plain name."""
    if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
        try:
            return [(target.id, ast.literal_eval(statement.value))]
        except ValueError:
            return []
    return []
