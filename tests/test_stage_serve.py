"""A served submission: it listens, prints, is signalled, ends."""

from __future__ import annotations

import signal

import pytest

from grader.run import Grader
from grader.stage import Zygote
from grader.stage.capture import KEEP
from tests.stage_kit import SERVICE, called, serving, staged


@pytest.fixture
def zygote(warm_grader: Grader) -> Zygote:
    return warm_grader.zygote


def test_it_answers_on_the_socket_that_it_was_given(zygote: Zygote) -> None:
    with serving(zygote) as app:
        assert app.alive
        response = app.ask()
    assert response.startswith(b"HTTP/1.1 200 OK")
    assert response.endswith(b'{"pid":%d}' % app.pid)
    assert not app.alive


def test_several_are_served_at_a_time(zygote: Zygote) -> None:
    with serving(zygote) as one, serving(zygote) as other:
        assert str(one.pid).encode() in one.ask()
        assert str(other.pid).encode() in other.ask()


def test_what_it_prints_is_kept_standard_output_first(zygote: Zygote) -> None:
    source = (
        SERVICE + "    import sys\n    print('Grüße', file=sys.stderr)\n    print('hello')\n    os.write(1, b'\\xff')\n"
    )
    with serving(zygote, source) as app:
        printed = app.output
    assert printed.index("hello") < printed.index("Grüße")
    assert "\ufffd" in printed


def test_a_flood_of_output_blocks_nobody_and_is_kept_in_part(zygote: Zygote) -> None:
    source = SERVICE + "    print('first')\n    print('spam and eggs ' * 1_000_000)\n    print('last')\n"
    with serving(zygote, source) as app:
        printed = app.output
    assert printed.startswith("first\nspam")
    assert "bytes left out]" in printed
    assert "last\n" in printed
    assert len(printed) < 4 * KEEP + 100


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("os._exit(0)", 0),
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.kill(os.getpid(), 11)", -11),
        ("os.abort()", -6),
    ],
)
def test_its_exit_status_is_told(zygote: Zygote, ending: str, status: int) -> None:
    source = SERVICE + f"\n    @app.get('/end')\n    def end():\n        {ending}\n"
    with serving(zygote, source) as app:
        assert app.exited(patience=0.01) is None
        assert app.ask("/end") == b""
        assert app.exited(patience=30.0) == status
        assert app.notices[-1].startswith("your app's process ended (")
        assert not app.vitals().alive


def test_a_polite_end_runs_what_stands_after_the_yield(zygote: Zygote) -> None:
    source = """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app):
            yield
            print("good bye")

        app = FastAPI(lifespan=lifespan)
    """
    with serving(zygote, source) as app:
        app.terminate()
        assert app.exited(patience=30.0) == -signal.SIGTERM
        assert "good bye" in app.output
        assert app.notices[0] == "SIGTERM is sent to your app"


def test_one_that_ignores_sigterm_goes_on_until_it_is_killed(zygote: Zygote) -> None:
    source = """
        import signal

        class Deaf:
            async def __call__(self, scope, receive, send):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"what?"})

        app = Deaf()
    """
    with serving(zygote, source) as app:
        assert app.ask().endswith(b"what?\r\n0\r\n\r\n")
        app.terminate()
        assert app.ask().endswith(b"what?\r\n0\r\n\r\n")
        assert app.exited(patience=0.01) is None
        app.kill()
        assert app.exit_status == -signal.SIGKILL


KNOTTED = (
    SERVICE
    + """
    import weakref

    class Knot:
        pass

    def tie():
        knot = Knot()
        knot.itself = knot
        return weakref.ref(knot, lambda _: print("collected"))

    knot = tie()

    @app.get("/churn")
    def churn():
        return len([[] for _ in range(100_000)])
"""
)


def test_a_collection_is_done_when_it_was_asked_for_and_not_before(zygote: Zygote) -> None:
    with serving(zygote, KNOTTED) as app:
        assert app.ask("/churn").endswith(b"100000")
        assert "collected" not in app.output
        app.collect_garbage()
        assert "collected" in app.output
        assert "a garbage collection runs in your app" in app.notices


def test_a_call_beside_it_disturbs_nothing(zygote: Zygote) -> None:
    with serving(zygote) as app:
        assert called(zygote, "def main(): return 1") == 1
        assert app.ask().startswith(b"HTTP/1.1 200 OK")


def test_its_vitals_tell_sleep_work_and_size(zygote: Zygote) -> None:
    source = """
        import subprocess, threading
        sleepers = [subprocess.Popen(["sleep", "1000"]) for _ in range(2)]
        threading.Event().wait()
    """
    with staged(zygote, source) as app:
        assert app.waits_until(lambda: app.vitals().processes == 3)
        assert app.waits_until(lambda: app.vitals().asleep)
    with staged(zygote, "while True: pass") as app:
        assert app.waits_until(lambda: app.vitals().cpu > 0.05)
        assert not app.vitals().asleep
