"""Many submissions over several processes."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from grader.classroom.batch import Work, graded, in_order
from grader.course import load
from grader.errors import StageError
from grader.report.verdict import Report
from tests import course_on_disk, fake_grader
from tests.fake_grader import open_fake


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "opened"
    folder.mkdir()
    monkeypatch.setenv(fake_grader.OPENED, str(folder))
    return folder


def work(root: Path, *texts: str) -> list[Work]:
    exercise = load(course_on_disk.write(root / "course")).exercises[0]
    jobs = []
    for number, text in enumerate(texts):
        path = root / f"{number}.py"
        path.write_text(text, encoding="utf-8")
        jobs.append(Work(exercise, path))
    return jobs


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_reports_come_in_the_order_of_the_work(tmp_path: Path, opened: Path, jobs: int) -> None:
    texts = ["solved", "failed", "solved", "broken", "failed"]
    told: list[Report] = []
    reports = in_order(graded(work(tmp_path, *texts), jobs, open_grader=open_fake), told.append)
    assert [Path(report.submission.path).name for report in reports] == ["0.py", "1.py", "2.py", "3.py", "4.py"]
    assert [report.solved for report in reports] == [True, False, True, False, False]
    assert sorted(report.submission.path for report in told) == sorted(report.submission.path for report in reports)
    assert list(opened.iterdir()) == [], "every grader that was opened is closed"


def test_only_the_wanted_behaviours_are_judged(tmp_path: Path) -> None:
    (one,) = work(tmp_path, "solved")
    wanted = Work(one.exercise, one.submission, ("test_answers_soon",))
    ((_, report),) = graded([wanted], open_grader=open_fake)
    assert [result.name for result in report.behaviours] == ["test_answers_soon"]


def test_nothing_to_do_is_no_report() -> None:
    assert in_order(graded([], 4, open_grader=open_fake)) == []


def test_a_worker_that_dies_gets_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="A grading process died"):
        in_order(graded(work(tmp_path, "solved", "dies", "solved"), 2, open_grader=open_fake))
    assert workers() == []


def test_an_error_in_a_worker_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="markup"):
        in_order(graded(work(tmp_path, "solved", "bug", "solved"), 2, open_grader=open_fake))
    assert workers() == []


def test_leaving_early_leaves_nothing(tmp_path: Path) -> None:
    reports = graded(work(tmp_path, *["solved"] * 9), 2, open_grader=open_fake)
    next(iter(reports))
    reports.close()  # type: ignore[attr-defined]
    assert workers() == []


def workers() -> list[str]:
    """The worker processes of this one that run, other than multiprocessing's tracker."""
    running = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    commands = (" ".join(child.cmdline()) for child in running)
    return [command for command in commands if "spawn_main" in command]
