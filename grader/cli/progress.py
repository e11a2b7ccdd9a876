"""Which exercises the student has solved: ``.grader/progress.json`` in the course's folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.course import Exercise
from grader.report.verdict import Report, Verdict


class Record(BaseModel):
    """The last verdicts on one exercise's file, and which file that was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str
    solved: bool
    earned: int
    points: int
    verdicts: dict[str, Verdict]


class Progress(BaseModel):
    """The last record of each exercise, by its id."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    exercises: dict[str, Record] = Field(default_factory=dict)

    def record(self, report: Report) -> None:
        """Remember a report on the student's own file, unless the grader itself was at fault."""
        if report.errors:
            return
        self.exercises[report.exercise] = Record(
            digest=report.submission.digest,
            solved=report.solved,
            earned=report.earned,
            points=report.points,
            verdicts={result.name: result.verdict for result in report.behaviours},
        )

    def solved(self, exercise: Exercise) -> bool:
        """Whether the last file that was checked earned full marks."""
        record = self.exercises.get(exercise.id)
        return record is not None and record.solved

    def changed(self, exercise: Exercise) -> bool:
        """Whether the student's file is another one than the one that was checked last."""
        record = self.exercises.get(exercise.id)
        return record is not None and record.digest != digest(exercise.starter)


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; empty when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def load(root: Path) -> tuple[Progress, str]:
    """The progress kept below a course's folder, and a notice when it could not be read and begins anew."""
    path = _path(root)
    try:
        return Progress.model_validate_json(path.read_bytes()), ""
    except FileNotFoundError:
        return Progress(), ""
    except (OSError, ValidationError):
        return Progress(), f"{path.relative_to(root)} could not be read; your progress is counted anew."


def save(root: Path, progress: Progress) -> None:
    """Write the progress in one step, so that a reader or a crash never meets half a file.

    Raises OSError when the folder cannot be written.
    """
    path = _path(root)
    path.parent.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="progress-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(progress.model_dump_json(indent=1))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _path(root: Path) -> Path:
    return root / ".grader" / "progress.json"
