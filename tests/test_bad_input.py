"""A bad submission gets a clear line: no points that it did not earn, nothing left, the next one unaffected."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from pathlib import Path

import pytest

from grader.course import Course
from grader.errors import FolderDeleted
from grader.report.html import page
from grader.report.layout import plain
from grader.report.terminal import report_lines
from grader.report.verdict import Report, Verdict
from grader.run import Grader
from grader.world import world
from grader.world.listening import listen_on_unix
from tests.attack import Attack, attacks, seconds_granted
from tests.leftovers import left_behind, told_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is left is looked for in /proc")
AFTERWARDS = {
    "welcome_email": "test_each_subscriber_gets_one_email",
    "first_task": "test_worker_has_the_label_printed",
    "first_job": "test_worker_prints_the_labels",
}
"""Which behaviour of the solution shows that the next submission finds mail server, Redis and workers as they were."""


def named(attack: Attack) -> str:
    return f"{attack.exercise}-{attack.path.stem}"


@pytest.mark.parametrize("attack", attacks(), ids=named)
def test_bad_submission_gets_a_clear_line_and_nothing_more(
    attack: Attack, warm_grader: Grader, this_course: Course
) -> None:
    [exercise] = this_course.find(attack.exercise)
    began, root = time.monotonic(), warm_grader.zygote.root
    report = warm_grader.grade(exercise, attack.path)
    took = time.monotonic() - began
    assert not attack.complaint(report)
    assert_can_be_shown(report)
    assert took < seconds_granted()
    assert left_behind(warm_grader.zygote) == []
    assert warm_grader.zygote.root == root or told_of(root) == []
    only = (AFTERWARDS[attack.exercise],)
    assert warm_grader.grade(exercise, exercise.solution, only=only).solved, "the next one is affected"


def assert_can_be_shown(report: Report) -> None:
    """The report survives JSON, and its text holds neither a traceback nor anything that a terminal would obey."""
    assert Report.model_validate_json(report.model_dump_json()) == report
    shown = plain(report_lines(report, show_output=True))
    assert shown.replace("\n", "").isprintable()
    assert "grader/stage" not in "".join(b.output for b in report.behaviours), "the student is shown the grader's code"
    assert "<script>alert" not in page([report])


def test_every_attack_is_refused_whole_or_judged_behaviour_by_behaviour(
    warm_grader: Grader, this_course: Course
) -> None:
    [welcome] = this_course.find("welcome_email")
    path = next(attack.path for attack in attacks() if attack.path.stem == "has_no_app")
    report = warm_grader.grade(welcome, path)
    assert report.problem
    assert {behaviour.verdict for behaviour in report.behaviours} == {Verdict.BLOCKED}
    assert {behaviour.message for behaviour in report.behaviours} == {report.problem}


@pytest.mark.parametrize("late", [0, 1])
def test_a_folder_that_is_deleted_while_it_is_laid_out_is_no_fault_of_the_graders(
    warm_grader: Grader, this_course: Course, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    [welcome] = this_course.find("welcome_email")
    folders: list[Path] = []

    def too_late(path: Path) -> socket.socket:
        folders.append(path.parent)
        if len(folders) > late:
            shutil.rmtree(path.parent)
        return listen_on_unix(path)

    monkeypatch.setattr(world, "listen_on_unix", too_late)
    report = warm_grader.grade(welcome, welcome.solution)
    assert {result.verdict for result in report.behaviours[late:]} == {Verdict.BLOCKED}
    deleted = str(FolderDeleted())
    assert report.problem == ("" if late else deleted)
    assert deleted in {result.message for result in report.behaviours[late:]}
