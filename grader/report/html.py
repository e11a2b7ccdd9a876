"""Reports as one self-contained page: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from grader.report import clean
from grader.report.terminal import BLAME, MARKS, NEVER
from grader.report.verdict import Report, Verdict

TEMPLATE = Path(__file__).with_name("page.html.jinja")
MOST_EVENTS = 300


def page(reports: Sequence[Report]) -> str:
    """The page; everything in it that a submission could have written is cleaned and escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"line": clean.one_line, "lines": clean.lines, "text": _text}
    environment.tests["noteworthy"] = clean.noteworthy
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        reports=reports,
        marks=MARKS,
        blame=BLAME,
        never=NEVER,
        most_events=MOST_EVENTS,
        earned=sum(report.earned for report in reports),
        points=sum(report.points for report in reports),
        solved=sum(report.solved for report in reports),
        counts=[sum(r.verdict is Verdict.PASSED for r in report.behaviours) for report in reports],
    )


def _text(raw: str) -> str:
    return "\n".join(clean.lines(raw))
