"""A submission's own children are held still, and go on."""

from __future__ import annotations

import sys

import pytest

from grader.run import Grader
from grader.stage import Zygote
from tests.stage_kit import SERVICE, serving

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
