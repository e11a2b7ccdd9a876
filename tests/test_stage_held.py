"""A submission, or only its own children, are held still, and go on; who is at work is told from who stands by."""

from __future__ import annotations

import platform
import socket
import sys

import pytest

from grader.run import Grader
from grader.stage import Labour, Zygote
from tests.stage_kit import PATIENT, SERVICE, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read from /proc")

COUNTING = (
    SERVICE
    + """
    import multiprocessing
    context = multiprocessing.get_context("fork")
    counted = context.Value("L", 0, lock=False)

    def count():
        while True:
            counted.value += 1

    context.Process(target=count, daemon=True).start()  # not in a request: the copy would hold its connection open

    @app.get("/counted")
    def read():
        return f"counted {counted.value}."
"""
)

STARTING = (
    SERVICE
    + """
    import subprocess, sys
    program = "import time\\nwhile time.process_time() < 0.3: pass\\ninput()"
    children = []

    @app.get("/hand")
    def hand():
        children.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE))

    @app.get("/collect")
    def collect():
        return [child.communicate(b" ") and child.wait() for child in children]
"""
)

CLONE = {"x86_64": 56, "aarch64": 220}
"""The number of the system call that makes a process."""
ABOUT_TO_START = """
    import ctypes, signal, threading, time
    CLONE_VFORK = 0x4000

    def start_programs():
        while True:
            # As subprocess does, the interpreter waits, with all its threads, until the child has become a program.
            child = ctypes.PyDLL(None).syscall(NUMBER, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0)
            if child == 0:
                time.sleep(0.02)
                os.execvp("true", ["true"])
            os.waitpid(child, 0)

    threading.Thread(target=start_programs, daemon=True).start()
"""


@pytest.fixture
def zygote(warm_grader: Grader) -> Zygote:
    return warm_grader.zygote


def test_children_stand_still_while_they_are_held_and_the_app_answers(zygote: Zygote) -> None:
    with serving(zygote, COUNTING) as app:
        with app.children_held() as held:
            assert held == 1
            app.patience.until(lambda: None, idle=0.02)  # until the signal has reached it
            before = app.ask("/counted")
            app.patience.until(lambda: None, idle=0.02)
            assert app.ask("/counted").splitlines()[-1] == before.splitlines()[-1]
        assert app.waits_until(lambda: app.ask("/counted").splitlines()[-1] != before.splitlines()[-1])


def test_children_are_killed_and_the_app_answers(zygote: Zygote) -> None:
    with serving(zygote, COUNTING) as app:
        assert app.kill_children() == 1
        assert app.waits_until(lambda: app.kill_children() == 0)
        assert app.ask("/counted").startswith(b"HTTP/1.1 200 OK")


def test_holding_none_is_said(zygote: Zygote) -> None:
    with serving(zygote, SERVICE) as app, app.children_held() as held:
        assert held == 0
        assert "your app has no children" in app.notices


def test_one_child_is_killed_and_the_app_answers(zygote: Zygote) -> None:
    with serving(zygote, COUNTING) as app:
        [child] = app.labour().keys() - {app.pid}
        assert not app.kill_child(app.pid)
        assert app.kill_child(child)
        assert app.waits_until(lambda: child not in app.labour())
        assert not app.kill_child(child)
        assert app.ask("/counted").startswith(b"HTTP/1.1 200 OK")


def test_the_worker_is_who_has_computed_since(zygote: Zygote) -> None:
    with serving(zygote, STARTING) as app:
        first = Labour(app)
        app.ask("/hand")
        assert app.waits_until(first.worker)
        app.settle()  # it has computed more than anybody else, and now it stands by
        since = Labour(app)
        assert (since.worker(), since.alone()) == (0, False)
        app.ask("/hand")
        assert app.waits_until(since.worker) != first.worker()


def test_who_works_is_held_and_known(zygote: Zygote) -> None:
    with serving(zygote, STARTING) as app:
        labour = Labour(app)
        with labour.held() as worker:
            assert worker == 0
        app.ask("/hand")
        with labour.held() as worker:
            assert worker in app.labour().keys() - {app.pid}


def test_who_had_a_child_that_computed_was_not_alone(zygote: Zygote) -> None:
    with serving(zygote, STARTING) as app:
        labour = Labour(app)
        app.ask()
        assert labour.alone()
        app.ask("/hand")
        app.ask("/collect")
        assert app.labour().keys() == {app.pid}
        assert (labour.worker(), labour.alone()) == (0, False)


def test_what_is_sent_to_an_app_that_is_held_is_answered_when_it_goes_on(zygote: Zygote) -> None:
    with serving(zygote, SERVICE) as app, socket.socket(socket.AF_UNIX) as line:
        with app.held():
            line.connect(str(app.socket))
            line.sendall(b"GET / HTTP/1.1\r\nhost: app\r\nconnection: close\r\n\r\n")
            app.patience.until(lambda: None, idle=0.05)
            line.setblocking(False)
            with pytest.raises(BlockingIOError):
                line.recv(1)
        line.settimeout(PATIENT)
        assert line.recv(16).startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(platform.machine() not in CLONE, reason="the number of the system call is not known here")
def test_an_app_that_is_about_to_start_a_program_is_not_held_with_it(zygote: Zygote) -> None:
    with serving(zygote, SERVICE + ABOUT_TO_START.replace("NUMBER", str(CLONE[platform.machine()]))) as app:
        for _attempt in range(5):
            app.waits_until(lambda: len(app.labour()) > 1)
            with app.children_held():
                assert app.ask().startswith(b"HTTP/1.1 200 OK")
