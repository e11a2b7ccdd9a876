"""``grader play``: the commands that it offers, and that Ctrl-C leaves nothing."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from grader.cli.play import curl, event_lines
from grader.course import load, tries
from grader.errors import CourseError
from grader.report.layout import plain
from grader.report.verdict import Event

ROOT = Path(__file__).resolve().parent.parent
URL = "http://127.0.0.1:8000"
JSON = "content-type: application/json"


@pytest.mark.parametrize(
    ("suggested", "words"),
    [
        ("GET /stats", ["-i", f"{URL}/stats"]),
        ("DELETE /jobs/1", ["-i", "-X", "DELETE", f"{URL}/jobs/1"]),
        ("POST /jobs", ["-i", "-X", "POST", f"{URL}/jobs"]),
        ("GET /jobs X-User:ada", ["-i", "-H", "X-User: ada", f"{URL}/jobs"]),
        (
            """POST /jobs {"name": "Ada's"}""",
            ["-i", "-H", JSON, "-d", """{"name": "Ada's"}""", f"{URL}/jobs"],
        ),
        ("PUT /a X-User:ada [1]", ["-i", "-X", "PUT", "-H", "X-User: ada", "-H", JSON, "-d", "[1]", f"{URL}/a"]),
    ],
)
def test_a_suggestion_becomes_a_command(suggested: str, words: list[str]) -> None:
    assert shlex.split(curl(suggested, URL)) == ["curl", *words]


@pytest.mark.parametrize("suggested", ["", "GET", "get /x", "GET stats", "POST /x nonsense"])
def test_a_suggestion_of_another_form_is_the_specs_mistake(suggested: str) -> None:
    with pytest.raises(CourseError, match="not of the form METHOD PATH"):
        curl(suggested, URL)


def test_every_spec_suggests_something_that_can_be_tried() -> None:
    for exercise in load().exercises:
        suggested = tries(exercise)
        assert suggested, f"{exercise.id} suggests nothing"
        for one in suggested:
            curl(one, URL)


def test_an_event_cannot_break_the_terminal() -> None:
    event = Event(at=12.3, part="out\x1b[2Jput", text="\x1b]0;title\x07[bold]hello\nworld")
    assert plain(event_lines(event, 80)) == "       12 ms  output    [bold]hello world"


@contextmanager
def playing(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "grader", "play", "welcome_email", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def served_at(process: subprocess.Popen[str]) -> str:
    """The URL in the banner; waits for it."""
    assert process.stdout is not None
    for line in process.stdout:
        if " is served at " in line:
            return line.split(" is served at ")[1].strip()
    pytest.fail(f"no banner: {process.communicate()[1]}")


def test_it_serves_shows_what_the_world_sees_and_leaves_nothing() -> None:
    with playing("--solution", "--port", "0") as process:
        url = served_at(process)
        below = psutil.Process(process.pid).children(recursive=True)
        assert httpx.post(f"{url}/signups", json={"email": "ada@example.com"}, timeout=30).status_code == 202
        assert process.stdout is not None
        assert any("mailbox   mail to ada@example.com" in line for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("Stopped; nothing is left running.\n")
        assert len(below) >= 2
        psutil.wait_procs(below, timeout=30)
        assert [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_port_that_is_taken_gets_one_line() -> None:
    with playing("--solution", "--port", "0") as first:
        port = served_at(first).rpartition(":")[2]
        with playing("--solution", "--port", port) as second:
            out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (3, "")
        assert err == f"Port {port} is taken: choose another with --port, or --port 0 for any.\n"
        os.killpg(first.pid, signal.SIGINT)


def test_a_file_that_does_not_start_gets_one_line(tmp_path: Path) -> None:
    file = tmp_path / "welcome_email.py"
    file.write_text("import nothing_there\n", encoding="utf-8")
    with playing("--submission", str(file), "--port", "0") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"{file} did not start.")
    assert "nothing_there" in err
    assert err.count("\n") == 1
