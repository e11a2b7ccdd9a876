"""The one schema of a result: everything that prints or exports reads this and nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = "1"

Milliseconds = Annotated[float, Field(ge=0, description="milliseconds")]


class Model(BaseModel):
    """Results are immutable, and an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Verdict(StrEnum):
    """What became of one behaviour."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    """A behaviour that this one needs did not pass, or the submission never started."""
    ERROR = "error"
    """The grader's own fault; it costs the student nothing, and no points can be told."""


class Event(Model):
    """One thing that the world saw."""

    at: Milliseconds = Field(description="milliseconds since the behaviour began")
    part: str = Field(description="who saw it: visitor, mailbox, printer, app, ...")
    text: str


class BehaviourResult(Model):
    """One behaviour and what became of it."""

    name: str = Field(description="the test's name in the spec")
    sentence: str = Field(description="what the world must see")
    verdict: Verdict
    points: int = Field(ge=1, description="what it is worth")
    earned: int = Field(ge=0, description="points, or 0 unless passed")
    message: str = Field(default="", description="what was seen instead, in one line")
    hint: str = ""
    lesson: str = Field(default="", description="path of the lesson, with the anchor to read")
    timeline: tuple[Event, ...] = ()
    output: str = Field(default="", description="what the submission printed, capped")
    duration: Milliseconds = 0


class Submission(Model):
    """The file that was graded."""

    path: str = Field(description="as it was named to the grader")
    digest: str = Field(description="sha256 of its bytes, in hex; empty when unreadable")


class Report(Model):
    """One submission against the spec of one exercise."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    grader_version: str
    exercise: str = Field(description="its id, for example m01_background_tasks/welcome_email")
    title: str
    submission: Submission
    problem: str = Field(default="", description="why the submission never ran, if it did not")
    behaviours: tuple[BehaviourResult, ...] = Field(description="in the spec's order")
    duration: Milliseconds = 0

    @property
    def points(self) -> int:
        """What the exercise is worth: the sum over its behaviours."""
        return sum(result.points for result in self.behaviours)

    @property
    def earned(self) -> int:
        """What the submission earned."""
        return sum(result.earned for result in self.behaviours)

    @property
    def solved(self) -> bool:
        """Whether every behaviour passed."""
        return all(result.verdict is Verdict.PASSED for result in self.behaviours)

    @property
    def errors(self) -> tuple[BehaviourResult, ...]:
        """The behaviours that the grader itself could not judge."""
        return tuple(r for r in self.behaviours if r.verdict is Verdict.ERROR)
