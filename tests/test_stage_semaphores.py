"""Semaphores have names, and outlive whoever made them: the stage leaves none of them behind."""

from __future__ import annotations

import sys

import pytest

from grader.run import Grader
from grader.stage import Zygote
from grader.stage.semaphores import FOLDER
from tests.stage_kit import SERVICE, staged

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they are no files")

MAKERS = {
    "of the process": "import multiprocessing\nlock = multiprocessing.get_context('spawn').Lock()",
    "of Celery's": "from billiard import get_context\nlock = get_context('spawn').Lock()",
    "of a pool's process": """
import multiprocessing, time
def work():
    global lock
    lock = multiprocessing.get_context('spawn').Lock()
    started.set()
    time.sleep(1000)
started = multiprocessing.get_context('fork').Event()
multiprocessing.get_context('fork').Process(target=work).start()
started.wait()
""",
}


@pytest.fixture
def zygote(warm_grader: Grader) -> Zygote:
    return warm_grader.zygote


def left(zygote: Zygote) -> list[str]:
    return [entry.name for entry in FOLDER.iterdir() if entry.name.startswith(f"sem.{zygote.root.name}-")]


@pytest.mark.parametrize("maker", MAKERS)
def test_a_semaphore_is_gone_with_the_process_that_made_it(maker: str, zygote: Zygote) -> None:
    with staged(zygote, f"{MAKERS[maker]}\n" + SERVICE.replace("\n    ", "\n")) as app:
        app.wait_listening()
        assert left(zygote)
        app.kill()
    zygote.reset()
    assert not left(zygote)
