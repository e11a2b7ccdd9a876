"""What an attack declares of itself: the line that the report must hold, and the points that it rightly earns."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

from grader.report.verdict import Report

FOLDER = Path(__file__).parent / "attacks"
"""A folder for each exercise whose spec they are held against."""
SECONDS = 15.0
"""The only figure on the wall clock in these tests: what any submission may cost on a machine that has nothing else
to do. It grows with the load, because what a submission may compute is counted in processor time."""


@dataclass(frozen=True)
class Attack:
    """A bad submission. exercise: its name; says: a regular expression; least, most: points."""

    path: Path
    exercise: str
    says: str
    least: int
    most: int

    @classmethod
    def read(cls, path: Path) -> Attack:
        """Read the declarations without running the file."""
        said = {}
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                if name in {"SAYS", "EARNED"}:
                    said[name] = ast.literal_eval(statement.value)
        earned = said["EARNED"]
        least, most = earned if isinstance(earned, tuple) else (earned, earned)
        return cls(path, path.parent.name, said["SAYS"], least, most)

    def complaint(self, report: Report) -> str:
        """Say in what the report is not as declared; empty when it is."""
        if report.errors:
            return f"the grader blames itself: {report.errors[0].message}"
        if not self.least <= report.earned <= self.most:
            return f"{report.earned} points instead of {self.least} to {self.most}: {lines(report)}"
        return "" if any(re.search(self.says, line) for line in lines(report)) else f"not told: {lines(report)}"


def attacks() -> list[Attack]:
    """All bad submissions that are files."""
    return [Attack.read(path) for path in sorted(FOLDER.glob("*/*.py"))]


def lines(report: Report) -> list[str]:
    """All that the report tells in words."""
    return [report.problem, *(behaviour.message for behaviour in report.behaviours)]


def seconds_granted() -> float:
    """The limit on the wall clock, as generous as the machine is busy."""
    return SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
