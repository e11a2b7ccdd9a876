"""The loop on which the world lives."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from grader.world import Loop
from tests.world_kit import PATIENT


def test_work_runs_in_the_loops_own_thread_and_its_outcome_comes_back() -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    async def fail() -> None:
        raise KeyError("lost")

    with Loop() as loop:
        assert loop.wait(where()) is not threading.current_thread()
        assert loop.start(where()).result(PATIENT).name == "world"
        with pytest.raises(KeyError, match="lost"):
            loop.wait(fail())


def test_what_is_called_is_done_by_the_next_tick() -> None:
    done: list[str] = []
    with Loop() as loop:
        loop.call(lambda: done.append("called"))
        loop.tick()
        assert done == ["called"]


def test_a_connection_that_breaks_off_prints_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRADER_TRACEBACK", raising=False)

    async def break_off() -> None:
        task = asyncio.get_running_loop().create_task(fail())
        del task
        asyncio.get_running_loop().call_exception_handler({"message": "a stranger hung up"})

    async def fail() -> None:
        raise OSError("nobody looks at this")

    with Loop() as loop:
        loop.wait(break_off())
        loop.tick()
    assert capfd.readouterr().err == ""


def test_the_end_of_the_loop_ends_all_that_is_under_way() -> None:
    ended = threading.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with Loop() as loop:
        waiting = loop.start(wait_for_ever())
        loop.tick()
    assert ended.is_set()
    with pytest.raises(CancelledError):
        waiting.result(PATIENT)
