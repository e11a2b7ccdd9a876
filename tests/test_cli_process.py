"""The command as a process of its own, on the real course: terminals, pipes, signals."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
NAME = "m01_background_tasks/welcome_email"
SOLUTION = f"solutions/{NAME}.py"
WRONG = f"tests/mutants/{NAME}/sends_before_answering.py"
GRADER = [sys.executable, "-m", "grader"]
PLAIN = {"PATH": os.environ["PATH"], "LANG": "en_GB.UTF-8", "TERM": "xterm-256color"}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GRADER, *arguments],
        cwd=ROOT,
        env=PLAIN | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def on_a_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    """What a terminal of that many columns receives."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*GRADER, *arguments], cwd=ROOT, env=PLAIN | environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    received = b""
    while select.select([ours], [], [], 100)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not chunk:
            break
        received += chunk
    os.close(ours)
    assert process.wait(100) in (0, 1)
    return received.decode().replace("\r\n", "\n")


def test_a_wrong_file_gives_one_document_and_exits_with_one() -> None:
    ran = run("check", NAME, "--submission", WRONG, "--json")
    assert (ran.returncode, ran.stderr) == (1, "")
    report = json.loads(ran.stdout)
    assert report["submission"]["path"] == WRONG
    failed = [behaviour for behaviour in report["behaviours"] if behaviour["verdict"] == "failed"]
    assert len(failed) == 1
    assert failed[0]["timeline"]


def test_a_right_file_exits_with_zero_whatever_the_locale_can_show() -> None:
    ran = run("check", NAME, "--submission", SOLUTION, LC_ALL="C")
    assert ran.returncode == 0
    assert ran.stdout.isascii()
    assert "\n+ A signup is answered with 202 Accepted." in ran.stdout
    ran = run("check", NAME, "--submission", SOLUTION, PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    assert "\n+ " in ran.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_colour_and_no_line_is_too_long(columns: int) -> None:
    received = on_a_terminal("check", NAME, "--submission", WRONG, columns=columns)
    assert "\x1b[31m✗ \x1b[0m" in received
    lines = ESCAPE.sub("", received).splitlines()
    assert 70 < max(len(line) for line in lines) <= min(columns, 100)
    assert any(re.fullmatch(r" +\d+ ms  mailbox   .*", line) for line in lines)
    assert any(line.startswith("  Hint  ") for line in lines)


def test_colour_can_be_declined() -> None:
    received = on_a_terminal("check", NAME, "--submission", WRONG, NO_COLOR="1")
    assert "\x1b[3" not in received
    assert "✗ " in received


def test_a_bar_is_drawn_on_a_terminal_only() -> None:
    assert "1/5" in ESCAPE.sub("", on_a_terminal("check", "m01", "--submission", "solutions", "--jobs", "2"))
    ran = run("check", "m01", "--submission", "solutions")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    with started("list", "m01") as gone:
        assert gone.stdout is not None
        assert gone.stderr is not None
        gone.stdout.close()
        assert gone.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_leaves_nothing_running(number: signal.Signals) -> None:
    with started("check", "m01", "--submission", "solutions", "--jobs", "2") as one:
        below = grown(psutil.Process(one.pid), 5)
        if number is signal.SIGINT:
            os.killpg(one.pid, number)  # as a terminal does
        else:
            one.send_signal(number)
        _, err = one.communicate(timeout=60)
    assert one.returncode in (-number, 128 + number)
    assert "Traceback" not in err
    psutil.wait_procs(below, timeout=60)
    assert [process for process in below if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []


def started(*arguments: str) -> subprocess.Popen[str]:
    """The command, begun in a session of its own."""
    pipe = subprocess.PIPE
    command = [*GRADER, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=PLAIN, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def grown(process: psutil.Process, size: int) -> list[psutil.Process]:
    """All processes below one, as soon as there are so many."""
    while len(below := process.children(recursive=True)) < size:
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(0.02)
            pytest.fail("it ended before it had so many processes")
    return below
