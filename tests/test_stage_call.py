"""Functions of a submission, called in a process of their own."""

from __future__ import annotations

import pytest

from grader.errors import NotStarted
from grader.run import Grader
from grader.stage import Zygote
from tests.stage_kit import called, staged


@pytest.fixture
def zygote(warm_grader: Grader) -> Zygote:
    return warm_grader.zygote


def test_a_function_is_called_with_json_and_its_result_comes_back_as_json(zygote: Zygote) -> None:
    source = """
        def main(number, words):
            return {"number": number + 1, "words": words[::-1], "nothing": None}
    """
    assert called(zygote, source, 1, ["a", "b"]) == {"number": 2, "words": ["b", "a"], "nothing": None}


def test_a_coroutine_is_run_to_its_end(zygote: Zygote) -> None:
    source = """
        import asyncio

        async def main():
            await asyncio.sleep(0)
            return "done"
    """
    assert called(zygote, source) == "done"


def test_what_is_no_json_comes_back_as_its_representation(zygote: Zygote) -> None:
    assert called(zygote, "def main(): return {'kinds': {int}}") == {"kinds": "{<class 'int'>}"}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def main(): return 1 / 0", r"ZeroDivisionError: division by zero \(line 1 of your file\)"),
        ("x = 1", "There is no function `main` in your file"),
        ("main = 1", "There is no function `main` in your file"),
        ("import sys\ndef main(): sys.exit('enough')", r"called exit\('enough'\)"),
        ("import os\ndef main(): os._exit(4)", r"exit status 4"),
    ],
)
def test_a_call_that_yields_nothing_says_why(zygote: Zygote, source: str, says: str) -> None:
    with pytest.raises(NotStarted, match=says):
        called(zygote, source)


def test_a_call_that_never_returns_is_given_up(zygote: Zygote) -> None:
    source = "import threading\ndef main(): threading.Event().wait()"
    with staged(zygote, source, "call", function="main", arguments=[]) as app:
        with pytest.raises(NotStarted, match="never came back from the call"):
            app.result(idle=0.05)
        assert not app.alive


def test_each_call_has_a_process_of_its_own(zygote: Zygote) -> None:
    source = """
        import os
        calls = []

        def main():
            calls.append(1)
            return [os.getpid(), len(calls)]
    """
    (first, one), (second, another) = called(zygote, source), called(zygote, source)
    assert first != second
    assert one == another == 1
