"""The JSON documents, and the schema that is kept beside the code."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from grader.report.document import SCHEMA_FILE, from_json, schema, to_json
from tests.reports_by_hand import FAILED, PASSED, report


def test_the_schema_in_the_repository_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema(), "write it anew: python -m grader.report.document"


def test_one_exercise_gives_one_report() -> None:
    document = to_json([report(PASSED, FAILED)], several=False, grader_version="0.1.0")
    read = json.loads(document)
    assert read["exercise"] == "m01_background_tasks/welcome_email"
    assert [behaviour["verdict"] for behaviour in read["behaviours"]] == ["passed", "failed"]
    assert from_json(document) == (report(PASSED, FAILED),)


def test_several_exercises_give_a_list_with_a_version() -> None:
    reports = (report(PASSED), report(FAILED, name="newsletter"))
    document = to_json(reports, several=True, grader_version="0.1.0")
    assert json.loads(document)["schema_version"] == "1"
    assert from_json(document) == reports


def test_half_a_surrogate_pair_does_not_break_the_document() -> None:
    document = to_json([report(FAILED.model_copy(update={"output": "\ud800"}))], several=False, grader_version="0")
    assert document.isascii()
    assert json.loads(document)["behaviours"][0]["output"] == "\ud800"


def test_something_else_is_no_report() -> None:
    with pytest.raises(ValidationError):
        from_json('{"schema_version": "2"}')
