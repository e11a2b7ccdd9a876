"""What a submission's process is given, and what it is not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from grader.run import Grader
from grader.stage import Zygote
from tests.stage_kit import ENVIRONMENT, called, serving

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def zygote(warm_grader: Grader) -> Zygote:
    return warm_grader.zygote


def test_the_environment_is_exactly_what_was_asked_for(zygote: Zygote) -> None:
    environment = {**ENVIRONMENT, "GREETING": "Grüße\nund mehr", "EMPTY": ""}
    source = "import os\ndef main(): return dict(os.environ)"
    assert called(zygote, source, environment=environment) == environment
    assert called(zygote, "import subprocess\ndef main(): return subprocess.check_output('env', text=True)") == (
        "".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items())
    )


@on_linux
def test_nothing_of_the_graders_environment_is_in_the_zygotes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSROOM_TOKEN", "secret-4711")
    with Zygote() as zygote:
        source = "from pathlib import Path\ndef main(): return Path('/proc/self/environ').read_text()"
        started_with = called(zygote, source)
        inherited = Path(f"/proc/{zygote.pid}/environ").read_text(encoding="utf-8")
    assert "secret-4711" not in started_with + inherited
    names = {entry.partition("=")[0] for entry in inherited.split("\0") if entry}
    assert names <= {"PATH", "LANG", "LC_ALL", "TZ", "HOME"}


@on_linux
def test_no_descriptor_is_inherited_but_the_standard_ones_status_and_listener(zygote: Zygote) -> None:
    source = """
        import os, stat

        def main():
            found = {}
            for name in os.listdir("/proc/self/fd"):
                try:
                    target = os.readlink(f"/proc/self/fd/{name}")
                except OSError:
                    continue  # the one through which the list was read
                found[name] = target.partition(":")[0]
            return found
    """
    open_ones = called(zygote, source)
    assert open_ones.pop("0") == "/dev/null"
    assert open_ones.pop("1") == open_ones.pop("2") == "pipe"
    assert sorted(open_ones.values()) == ["pipe", "socket"]


def test_nothing_random_is_shared_between_two_processes(zygote: Zygote) -> None:
    source = """
        import random, secrets, tempfile, uuid

        def main():
            return [random.random(), str(uuid.uuid4()), secrets.token_hex(), next(tempfile._get_candidate_names())]
    """
    for one, another in zip(called(zygote, source), called(zygote, source), strict=True):
        assert one != another


def test_folder_arguments_and_input_are_its_own(zygote: Zygote) -> None:
    source = """
        import os, sys, tempfile

        def main():
            leads = os.getpid() == os.getsid(0)
            return [os.getcwd(), sys.argv, sys.stdin.read(), leads, tempfile.gettempdir(), __file__]
    """
    environment = {**ENVIRONMENT, "TMPDIR": str(zygote.root)}
    folder, arguments, typed, leads, temporary, file = called(zygote, source, environment=environment)
    assert Path(folder) == Path(file).parent / "data"
    assert (arguments, typed, leads, temporary) == ([file], "", True, str(zygote.root))


def test_the_time_zone_is_the_one_it_was_told(zygote: Zygote) -> None:
    source = "import time\ndef main(): return [time.tzname[0], time.localtime(0).tm_hour]"
    for zone, told in {"UTC": ["UTC", 0], "Asia/Tokyo": ["JST", 9]}.items():
        assert called(zygote, source, environment={**ENVIRONMENT, "TZ": zone}) == told


def test_a_file_named_like_a_standard_module_shadows_nothing(zygote: Zygote) -> None:
    source = """
        from pathlib import Path
        (Path(__file__).parent / "json.py").write_text("raise ImportError('not the real one')")
        (Path.cwd() / "queue.py").write_text("raise ImportError('not the real one')")
        import json, queue, sys

        def main():
            return [json.dumps({}), queue.Queue.__name__, "" in sys.path]
    """
    assert called(zygote, source) == ["{}", "Queue", False]


def test_the_graders_own_terminal_is_out_of_reach(zygote: Zygote) -> None:
    source = """
        import os

        def main():
            parent = os.getppid()
            return [os.path.realpath(f"/proc/{parent}/fd/{number}") for number in (0, 1)]
    """
    assert called(zygote, source) == ["/dev/null", "/dev/null"]


def test_what_one_process_does_to_its_interpreter_the_next_one_does_not_see(zygote: Zygote) -> None:
    with serving(
        zygote, "import os, fastapi, builtins\nfastapi.FastAPI.mark = 1\nbuiltins.mark = 1\napp = fastapi.FastAPI()"
    ):
        source = (
            "import builtins, fastapi\ndef main(): return hasattr(fastapi.FastAPI, 'mark') or hasattr(builtins, 'mark')"
        )
        assert called(zygote, source) is False
    assert "mark" not in os.environ
