"""One run of pytest over one spec."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.course import Exercise
    from grader.judge import Judge

PYTEST = (
    "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler", "-p", "no:doctest", "-p", "no:junitxml",
    "-p", "no:unittest", "-p", "no:nose", "-p", "no:pastebin", "-p", "no:setuponly", "-p", "no:setupplan",
    "-p", "no:stepwise", "-p", "no:logging", "-p", "no:capture", "-p", "no:warnings", "-p", "no:debugging",
    "-p", "no:recwarn", "-p", "no:monkeypatch", "-p", "no:tmpdir", "-p", "no:legacypath", "-p", "no:threadexception",
    "-p", "no:unraisableexception",
    "--noconftest", "--import-mode=importlib",
)  # fmt: skip


def run_spec(exercise: Exercise, judge: Judge) -> None:
    """Run the spec in this process, shielded from the configuration and plugins of wherever it is started.

    Raises CourseError when pytest cannot run it.
    """
    import pytest

    shielded = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in shielded}
    os.environ.update(shielded)
    configuration = Path(__file__).with_name("specs") / "pytest.ini"
    arguments = [*PYTEST, "-c", str(configuration), f"--rootdir={configuration.parent}", str(exercise.spec)]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = pytest.main(arguments, plugins=[judge])
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    if judge.leaving is not None:
        raise judge.leaving
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise CourseError(f"{exercise.spec} could not be run: {' '.join(said.getvalue().split())[-500:]}")
