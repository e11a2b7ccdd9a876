"""The end of a submission's processes: all of them, wherever they went."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from grader.errors import NotStarted
from grader.run import Grader
from grader.stage import Zygote
from tests.leftovers import all_end, below
from tests.stage_kit import SERVICE, Staged, serving, staged

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans is Linux's")

CHILD = "subprocess.Popen(['sleep', '1000'])"
SPAWNING = {
    "a child": f"tell({CHILD}.pid)",
    "a child in a session of its own": "tell(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)",
    "a grandchild": f"tell(os.getpid()) or tell({CHILD}.pid) if os.fork() == 0 else 0",
    "a daemon by the book": f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir('/')
        tell(os.getpid())
        tell({CHILD}.pid)
    else:
        os._exit(0)
""",
}


def source(spawning: str) -> str:
    """A submission that starts something, and tells its numbers; what is a fork waits there."""
    return (
        "import os, subprocess, threading\n"
        "def tell(pid): print(f'started {pid}.', flush=True)\n"
        "me = os.getpid()\n"
        f"{spawning}\n"
        "if os.getpid() != me: threading.Event().wait()\n"
        "from fastapi import FastAPI\n"
        "app = FastAPI()\n"
    )


def started(app: Staged, number: int) -> list[int]:
    """Wait until so many processes have been told of."""

    def told() -> list[str]:
        return re.findall(r"started (\d+)\.", app.output)

    assert app.waits_until(lambda: len(told()) == number)
    return [int(pid) for pid in told()]


@pytest.fixture
def zygote(warm_grader: Grader) -> Iterator[Zygote]:
    yield warm_grader.zygote
    warm_grader.zygote.reset()


@pytest.mark.parametrize("what", SPAWNING)
def test_a_kill_ends_the_whole_tree(zygote: Zygote, what: str) -> None:
    with serving(zygote, source(SPAWNING[what])) as app:
        pids = started(app, SPAWNING[what].count("tell("))
        app.kill()
        assert app.exit_status == -9
        assert all_end(pids)


@pytest.mark.parametrize("what", SPAWNING)
def test_a_reset_ends_what_outlived_its_app(zygote: Zygote, what: str) -> None:
    with staged(zygote, source(SPAWNING[what]) + "app = None\nimport os; os._exit(0)\n") as app:
        assert app.exited(patience=30.0) == 0
        pids = started(app, SPAWNING[what].count("tell("))
        zygote.reset()
        assert below(zygote.pid) == []
        assert all_end(pids)


def test_a_killed_app_is_not_killed_twice(zygote: Zygote) -> None:
    with serving(zygote) as app:
        app.kill()
        app.kill()
        app.end()
        assert app.notices.count("your app is killed (SIGKILL)") == 1


def test_a_restart_is_a_fresh_process_on_the_same_data(zygote: Zygote) -> None:
    counting = (
        SERVICE
        + """
    from pathlib import Path
    count = Path("count")
    count.write_text(count.read_text() + "I" if count.exists() else "I")

    @app.get("/count")
    def counted():
        return count.read_text()
    """
    )
    with serving(zygote, counting) as app:
        first = app.pid
        assert app.ask("/count").endswith(b'"I"')
        app.restart()
        assert app.ask("/count").endswith(b'"II"')
        assert app.pid != first
        assert app.exit_status is None
        assert app.notices[0] == "your app is killed (SIGKILL)"
        assert app.notices[-1] == "your app is started again on the same data"


def test_one_that_ended_by_itself_can_be_started_again(zygote: Zygote) -> None:
    with serving(zygote, SERVICE + "\n    @app.get('/end')\n    def end():\n        os._exit(1)\n") as app:
        app.ask("/end")
        assert app.exited(patience=30.0) == 1
        app.restart()
        assert app.ask().startswith(b"HTTP/1.1 200 OK")


def test_one_that_deleted_its_folder_can_be_started_again(zygote: Zygote) -> None:
    with serving(zygote, SERVICE + "\n    import shutil\n    shutil.rmtree(os.getcwd())\n") as app:
        app.restart()
        assert app.ask().startswith(b"HTTP/1.1 200 OK")


def test_one_that_does_not_come_up_again_says_so(zygote: Zygote) -> None:
    once = SERVICE + "\n    open('was here', 'x')\n"
    with serving(zygote, once) as app, pytest.raises(NotStarted, match=r"FileExistsError: .*was here"):
        app.restart()


def test_who_learns_of_a_childs_death_can_collect_it_at_once(zygote: Zygote) -> None:
    """Celery's pool looks only once when a child's pipe has closed, and then again after five seconds."""
    source = """
        import os, threading
        from fastapi import FastAPI
        app = FastAPI()

        def bury():
            while True:
                mine, childs = os.pipe()
                child = os.fork()
                if child == 0:
                    threading.Thread(target=threading.Event().wait).start()
                    threading.Event().wait()
                os.close(childs)
                print("born.", flush=True)
                os.read(mine, 1)
                print("collected." if os.waitpid(child, os.WNOHANG)[0] else "too early.", flush=True)

        threading.Thread(target=bury, daemon=True).start()
    """
    with serving(zygote, source) as app:

        def born(times: int) -> bool:
            return app.output.count("born.") == times

        for times in range(1, 11):
            assert app.waits_until(partial(born, times))
            assert app.kill_busiest_child()
        assert app.waits_until(partial(born, 11))
        assert app.output.count("collected.") == 10
