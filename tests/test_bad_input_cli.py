"""The command answers bad submissions as it answers good ones: one document or some plain lines, and an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.report.verdict import Report
from tests.attack import FOLDER


def check(submission: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "check", "welcome_email", "--submission", str(submission), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


@pytest.mark.parametrize("name", ["kills_its_parent_at_import", "floods_its_status_pipe", "writes_escapes_and_markup"])
def test_there_is_one_document_and_nothing_else_whatever_a_submission_writes(name: str) -> None:
    ended = check(FOLDER / "welcome_email" / f"{name}.py", "--json")
    report = Report.model_validate_json(ended.stdout)
    assert not report.solved
    assert (ended.returncode, ended.stderr) == (1, "")


def test_the_lines_obey_no_escape_and_no_markup() -> None:
    ended = check(FOLDER / "welcome_email" / "writes_escapes_and_markup.py", "--show-output")
    assert ended.returncode == 1
    assert ended.stdout.replace("\n", "").isprintable()
    assert "[bold red]" in ended.stdout
    assert "[blink]</pre><script>" in ended.stdout


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_a_file_that_is_not_there_is_a_wrong_use_of_the_command(name: str, tmp_path: Path) -> None:
    ended = check(tmp_path / name)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert str(tmp_path) in ended.stderr
