"""What a submission is told that never came up: the reason, and its own line."""

from __future__ import annotations

import pytest

from grader.errors import NotStarted
from grader.run import Grader
from tests.stage_kit import staged

START_UP = """
from contextlib import asynccontextmanager
import asyncio, fastapi, sys

@asynccontextmanager
async def lifespan(app):
    {}
    yield

app = fastapi.FastAPI(lifespan=lifespan)
"""
REASONS = {
    "def broken(:": r"SyntaxError: invalid syntax \(line 1 of your file\)",
    "x = 1\nif x:\npass": r"IndentationError: .*\(line 3 of your file\)",
    "import fastapi\nimport nowhere_to_be_found": r"No module named 'nowhere_to_be_found' \(line 2 of your file\)",
    "from fastapi import Fastapi": r"ImportError: cannot import name 'Fastapi' .*\(line 1 of your file\)",
    "\n\napp = FastAPI()": r"NameError: name 'FastAPI' is not defined \(line 3 of your file\)",
    "import json\njson.loads('{')": r"JSONDecodeError: .*\(line 2 of your file\)",
    "raise ValueError": r"^ValueError \(line 1 of your file\)",
    "raise KeyboardInterrupt": r"KeyboardInterrupt \(line 1 of your file\)",
    "": "There is no `app` in your file",
    "app = None": "There is no `app` in your file",
    "app = 'FastAPI()'": "`app` in your file is of type str, not an application",
    "exit()": r"Your program called exit\(None\)",
    "import sys; sys.exit('bye')": r"Your program called exit\('bye'\)",
    "import os; os._exit(3)": r"Your program ended before it listened \(exit status 3\)",
    "import os; os.kill(os.getpid(), 9)": r"Your program ended before it listened \(by SIGKILL\)",
    START_UP.format(
        "raise OSError('no database')"
    ): r"start-up .* failed: OSError: no database \(line 7 of your file\)",
    START_UP.format("app.state.db = {}['url']"): r"start-up .* failed: KeyError: 'url' \(line 7 of your file\)",
    START_UP.format("await asyncio.Event().wait()"): "never began to listen",
    "import threading\nthreading.Event().wait()": "never began to listen",
}


@pytest.mark.parametrize("source", REASONS)
def test_the_reason_is_told_in_one_line(source: str, warm_grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.stage.app.STARTUP_PATIENCE", 0.2 if "never" in REASONS[source] else 30.0)
    with staged(warm_grader.zygote, source) as app:
        with pytest.raises(NotStarted, match=REASONS[source]) as told:
            app.wait_listening()
        assert not app.alive
        assert len(str(told.value).splitlines()) == 1
        assert "grader/stage" not in app.output


def test_a_file_is_read_afresh_at_each_start(warm_grader: Grader) -> None:
    for source, says in (("x = 1 / 0", "ZeroDivisionError"), ("x = {}[0]", "KeyError")):
        with staged(warm_grader.zygote, source) as app, pytest.raises(NotStarted, match=says):
            app.wait_listening()
