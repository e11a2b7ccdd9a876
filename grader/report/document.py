"""The JSON documents that the grader writes, and their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter

from grader.report.verdict import SCHEMA_VERSION, Model, Report

SCHEMA_FILE = Path(__file__).with_name("verdict.schema.json")


class Reports(Model):
    """Several reports, in the order in which they were asked for."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    grader_version: str
    reports: tuple[Report, ...] = Field(description="one for each exercise and submission, in the course's order")


def to_json(reports: Sequence[Report], *, several: bool, grader_version: str) -> str:
    """One JSON document that ends in a line end.

    several: whether more than one exercise was asked for: then the document is a ``Reports``, also
    when it holds but one; otherwise it is the single ``Report``.
    """
    document = Reports(grader_version=grader_version, reports=tuple(reports)) if several else reports[0]
    # Not model_dump_json: what a submission printed may hold half a surrogate pair, and pydantic refuses that.
    return json.dumps(document.model_dump(mode="json"), indent=2) + "\n"


def from_json(text: str) -> tuple[Report, ...]:
    """The reports of either document; raises pydantic.ValidationError when it is neither."""
    document = TypeAdapter[Report | Reports](Report | Reports).validate_json(text)
    return document.reports if isinstance(document, Reports) else (document,)


def schema() -> str:
    """The JSON Schema of both documents, as it is kept in ``verdict.schema.json``."""
    described = TypeAdapter[Report | Reports](Report | Reports).json_schema(mode="serialization")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of the grader, or several",
    }
    return json.dumps(head | described, indent=2, sort_keys=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema(), encoding="utf-8")
