"""What became of one behaviour, as the report has it."""

from __future__ import annotations

from dataclasses import dataclass

from grader.remarks import remark
from grader.report.verdict import BehaviourResult, Event, Verdict
from grader.spec import SpecBehaviour
from grader.world import Timeline, World

MOST_OUTPUT = 32 * 1024
"""Characters of what the submission printed that a behaviour's result keeps."""


@dataclass
class Outcome:
    """A verdict, and the line that gives the reason for it."""

    verdict: Verdict
    message: str = ""


def result_of(said: SpecBehaviour, outcome: Outcome, world: World | None, duration: float) -> BehaviourResult:
    """The behaviour's result; world: None when there was none to judge it in; duration: milliseconds."""
    output = world.output if world else ""
    return BehaviourResult(
        name=said.name,
        sentence=said.sentence,
        verdict=outcome.verdict,
        points=said.points,
        earned=said.points if outcome.verdict is Verdict.PASSED else 0,
        message=_told(outcome, output),
        hint=said.hint,
        lesson=said.lesson,
        timeline=_events(world.timeline) if world else (),
        output=output[:MOST_OUTPUT],
        duration=duration,
    )


def _told(outcome: Outcome, output: str) -> str:
    """The message, and what the workers' output explains of it."""
    explained = remark(output) if outcome.verdict is Verdict.FAILED else ""
    return f"{outcome.message} {explained}".strip()


def _events(timeline: Timeline) -> tuple[Event, ...]:
    events = [Event(at=round(seen.at, 1), part=seen.part, text=seen.text) for seen in timeline.events]
    if timeline.left_out:
        events.append(Event(at=round(timeline.now(), 1), part="grader", text=f"{timeline.left_out} events left out"))
    return tuple(events)
