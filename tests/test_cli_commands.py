"""The commands on a small course, with a fake grader: what they print, write, remember and exit with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from grader import course as courses
from grader.classroom import batch
from grader.cli import main
from grader.report.document import from_json
from tests import course_on_disk
from tests.fake_grader import open_fake


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = course_on_disk.write(tmp_path / "course")
    monkeypatch.chdir(root)
    for name in ("NO_COLOR", "FORCE_COLOR", "GRADER_TRACEBACK", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return root


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    load = courses.load
    monkeypatch.setattr(courses, "load", lambda: load(root))
    monkeypatch.setattr(batch, "real_grader", open_fake)

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert isinstance(left.value.code, int)
        return Ran(left.value.code, *capsys.readouterr())

    return run


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "code"), [("solved", 0), ("failed", 1), ("broken", 1), ("error", 3)])
def test_the_exit_code_tells_how_it_went(run: Run, root: Path, text: str, code: int) -> None:
    write(root / "exercises/m01_first/greeting.py", text)
    assert run("check", "greeting").code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nonsense"],
        ["check", "gre"],
        ["check", "greeting", "--submission", "nowhere.py"],
        ["check", "all", "--submission", "solutions/m01_first/greeting.py"],
        ["check", "greeting", "--submission", "modules"],
        ["check", "greeting", "--submission", "solutions", "--solutions"],
        ["check", "--submission", "solutions/m01_first/greeting.py"],
        ["check", "m01", "--only", "soon"],
        ["check", "greeting", "--only", "nothing like it"],
        ["check", "greeting", "--only", "answer"],
        ["check", "greeting", "--jobs", "0"],
        ["check", "greeting", "--nonsense"],
        ["check", "greeting", "--html", "no/such/folder.html"],
        ["check", "greeting", "--json", "no/such/folder.json"],
        ["hint", "m01"],
        ["play", "m01"],
        ["nonsense"],
    ],
)
def test_a_usage_error_is_two_and_says_what_to_mend(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err
    assert "Traceback" not in ran.err


def test_a_broken_course_is_the_graders_fault(run: Run, root: Path) -> None:
    (root / "modules/m01_first/greeting.md").unlink()
    ran = run("check", "greeting")
    assert ran.code == 3
    assert ran.err.startswith("modules/m01_first/greeting.md is missing, the lesson of")
    assert ran.err.count("\n") == 1
    assert run("check", "farewell").code == 1


def test_an_unexpected_error_is_one_line_unless_a_traceback_is_wanted(run: Run, root: Path) -> None:
    write(root / "exercises/m01_first/greeting.py", "bug")
    ran = run("check", "greeting")
    assert ran.code == 3
    assert ran.err == (
        "The grader itself failed: RuntimeError: [bold]markup[/bold] in an error (--traceback shows where).\n"
    )
    assert "Traceback (most recent call last)" in run("check", "greeting", "--traceback").err
    assert "Traceback (most recent call last)" in run("--traceback", "check", "greeting").err


def test_json_alone_is_one_document_and_nothing_else(run: Run, root: Path) -> None:
    write(root / "exercises/m01_first/greeting.py", "solved")
    for arguments in (["check", "greeting", "--json"], ["check", "--json", "greeting"]):
        ran = run(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert json.loads(ran.out)["exercise"] == "m01_first/greeting"
    assert len(from_json(run("check", "all", "--json").out)) == 3
    assert json.loads(run("check", "m02", "--json", "--jobs", "2").out)["exercise"] == "m02_second/greenhouse"


def test_json_and_html_can_be_written_to_files(run: Run, root: Path) -> None:
    ran = run("check", "all", "--json", "all.json", "--html", "all.html")
    assert "0 of 3 exercises solved" in ran.out
    assert len(from_json((root / "all.json").read_text(encoding="utf-8"))) == 3
    assert (root / "all.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_file_is_graded_against_any_exercise(run: Run, root: Path) -> None:
    path = write(root / "elsewhere/mine.py", "solved")
    ran = run("check", "m01_first/greeting", "--submission", str(path), "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["submission"]["path"] == "elsewhere/mine.py"


def test_a_folder_may_mirror_the_exercises_or_hold_their_files(run: Run, root: Path) -> None:
    write(root / "ada/m01_first/greeting.py", "solved")
    write(root / "ada/greenhouse.py", "solved")
    write(root / "ada/exercises/m01_first/farewell.py", "solved")
    assert run("check", "all", "--submission", "ada").code == 0
    (root / "ada/greenhouse.py").unlink()
    ran = run("check", "--submission", "ada")
    assert ran.code == 1
    assert "2 of 3 exercises solved" in ran.out


def test_solutions_are_graded_on_request_and_not_remembered(run: Run, root: Path) -> None:
    for path in (root / "solutions").glob("*/*.py"):
        path.write_text("solved", encoding="utf-8")
    ran = run("check", "--solutions")
    assert ran.code == 0
    assert "3 of 3 exercises solved, 9 of 9 points." in ran.out
    assert not (root / ".grader").exists()


def test_one_behaviour_can_be_picked(run: Run) -> None:
    for wanted in ("test_answers", "answers", "SOON", "it answers"):
        read = json.loads(run("check", "greeting", "--json", "--only", wanted).out)
        assert len(read["behaviours"]) == 1


def test_markup_and_escapes_of_a_submission_are_text(run: Run, root: Path) -> None:
    write(root / "exercises/m01_first/greeting.py", "noise")
    out = run("check", "greeting", "--show-output").out
    assert "It [red]did not[/red] happen." in out
    assert "| noise\n" in out
    assert "\x1b" not in out


def test_the_map_shows_progress_and_the_next_step(run: Run, root: Path) -> None:
    assert "Next  The greeting\n" in run().out
    write(root / "exercises/m01_first/greeting.py", "solved")
    ran = run("check")
    assert "Solved. Next: grader check farewell" in ran.out
    assert run("check").code == 1, "without a name, the next one is checked"
    assert (
        run().out
        == """\
First  m01_first, 1 of 2
  ✓ greeting              The greeting                3 / 3
  ✗ farewell              The farewell                0 / 3

Second  m02_second, 0 of 1
  · greenhouse            The greenhouse

Next  The farewell
Read  modules/m01_first/farewell.md
Edit  exercises/m01_first/farewell.py
Run   grader check farewell
"""
    )


def test_a_file_that_was_changed_since_is_marked(run: Run, root: Path) -> None:
    run("check", "greeting")
    write(root / "exercises/m01_first/greeting.py", "another")
    assert "The greeting                0 / 3, changed since\n" in run().out


def test_the_end_of_the_course_is_told(run: Run, root: Path) -> None:
    for path in (root / "exercises").glob("*/*.py"):
        path.write_text("solved", encoding="utf-8")
    assert "That was the last exercise." in run("check", "all").out
    assert "All exercises are solved." in run().out


def test_corrupt_progress_begins_anew_with_a_notice(run: Run, root: Path) -> None:
    write(root / ".grader/progress.json", '{"version": 1, "exercises": {"m01')
    ran = run()
    assert ran.code == 0
    assert ".grader/progress.json could not be read; your progress is counted anew." in ran.out
    assert "counted anew" in run("check", "greeting").out
    assert "counted anew" not in run().out


def test_the_graders_own_fault_is_not_remembered(run: Run, root: Path) -> None:
    write(root / "exercises/m01_first/greeting.py", "error")
    assert "grader's own fault" in run("check", "greeting").out
    assert "· greeting" in run().out


def test_hints_come_one_at_a_time(run: Run, root: Path) -> None:
    assert (
        run("hint", "greeting").out
        == """\
m01_first/greeting  The greeting
Not checked yet; this is where to begin.

· The service answers.
  Hint  Which status says so?
  Read  modules/m01_first/greeting.md#the-smallest-change
  1 more wait: grader hint greeting --all
"""
    )
    assert "Who waits?" in run("hint", "greeting", "--all").out
    write(root / "exercises/m01_first/greeting.py", "solved")
    run("check", "greeting")
    solved = run("hint", "greeting").out
    assert "Solved. These were the hints:" in solved
    assert "Who waits?" in solved


def test_the_list_counts_behaviours_and_points(run: Run) -> None:
    assert (
        run("list").out
        == """\
exercise               behaviours  points
m01_first/greeting              2       3
m01_first/farewell              2       3
m02_second/greenhouse           2       3
3 exercises                     6       9
"""
    )
    assert "  It answers soon." in run("list", "greeting").out


def test_the_doctor_finds_what_is_wrong(run: Run, root: Path) -> None:
    write(root / "solutions/m01_first/greeting.py", "solved")
    well = run("doctor")
    assert well.code == 0
    assert "✓ course                3 exercises, 6 behaviours\n" in well.out
    write(root / "solutions/m01_first/greeting.py", "bug")
    (root / "modules/m01_first/greeting.md").unlink()
    ill = run("doctor")
    assert ill.code == 1
    assert "✗ course                modules/m01_first/greeting.md is missing" in ill.out
    assert "✗ stage                 RuntimeError: [bold]markup[/bold] in an error" in ill.out


def test_help_and_version(run: Run) -> None:
    assert "check" in run("--help").out
    assert run("--version").out.strip() == "0.1.0"
    assert "--submission" in run("check", "-h").out
