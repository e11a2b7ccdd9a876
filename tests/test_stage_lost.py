"""Either side of the stage may die, at any moment and in any way: nothing is left, and the next one works."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import StageError, StageLost
from grader.stage import Zygote
from tests.leftovers import all_end, told_of
from tests.stage_kit import SERVICE, called, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left is looked for in /proc")

ROOT = Path(__file__).parent.parent
DAEMON = """
    import subprocess
    daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(daemon.pid, flush=True)
"""
LOOPING = """
    import threading
    def burn():
        while True:
            pass
    threading.Thread(target=burn).start()
"""


HOPPING = """
    tokens, fill = os.pipe()
    os.write(fill, b"x" * 300)
    os.close(fill)
    if os.fork() == 0:
        while os.read(tokens, 1):
            if os.fork():
                os._exit(0)
            os.setsid()
        while True:
            os.read(os.pipe()[0], 1)
"""


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


def test_a_killed_zygote_is_told_of_and_its_apps_end_with_it(zygote: Zygote) -> None:
    with serving(zygote, SERVICE + DAEMON) as app:
        daemon = int(app.output.split()[0])
        os.kill(zygote.pid, signal.SIGKILL)
        assert all_end([app.pid])
        with pytest.raises(StageLost, match="was lost: run the command again"):
            zygote.request("reset")
        assert zygote.lost
        zygote.close()
        assert all_end([daemon])
        assert told_of(zygote.root) == []
        assert not zygote.root.exists()


def test_a_stopped_zygote_is_told_to_go_on(zygote: Zygote) -> None:
    assert called(zygote, "def main(): return 1") == 1
    os.kill(zygote.pid, signal.SIGSTOP)
    assert called(zygote, "def main(): return 2") == 2


def test_a_stopped_zygote_can_be_closed(zygote: Zygote) -> None:
    zygote.request("reset")
    os.kill(zygote.pid, signal.SIGSTOP)
    zygote.close()
    assert not zygote.root.exists()


def test_a_process_that_forks_and_ends_again_and_again_does_not_outrun_the_end_of_the_stage(zygote: Zygote) -> None:
    with serving(zygote, SERVICE + HOPPING):
        zygote._control.shutdown(socket.SHUT_RDWR)  # as if the grader had gone
        assert all_end([zygote.pid])
        assert told_of(zygote.root) == []


def test_a_zygote_that_is_closed_while_it_starts_leaves_nothing() -> None:
    zygote = Zygote()
    zygote.close()
    assert all_end([zygote.pid])
    assert not zygote.root.exists()


def test_a_zygote_that_cannot_be_started_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(StageError, match="No process for submissions could be started: No such file"):
        Zygote()


@pytest.mark.parametrize(
    ("number", "busy"),
    [(signal.SIGKILL, ""), (signal.SIGKILL, LOOPING), (signal.SIGTERM, ""), (signal.SIGINT, LOOPING)],
)
def test_a_grader_that_is_ended_leaves_nothing(tmp_path: Path, busy: str, number: signal.Signals) -> None:
    (tmp_path / "mine.py").write_text(SERVICE + DAEMON + busy, encoding="utf-8")
    command = [sys.executable, "-m", "tests.dying_grader", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as grader:
        assert grader.stdout is not None
        zygote, root, daemon = grader.stdout.readline().split()
        pids = [int(zygote), int(daemon), *told_of(Path(root))]
        assert len(pids) >= 5
        grader.send_signal(number)
        assert all_end([grader.pid, *pids])
    assert told_of(Path(root)) == []
    assert not Path(root).exists()
