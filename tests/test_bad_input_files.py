"""What is no file of source code is refused in one line, and nothing is run."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.course import Course
from grader.report.verdict import Report, Verdict
from grader.run import Grader


def written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def link_to_another_file(path: Path) -> None:
    target = path.with_name("target.py")
    target.write_text("app = 42")
    path.symlink_to(target)


def listening_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


UNREADABLE = {
    "does not exist": lambda _path: None,
    "is a folder": Path.mkdir,
    "is a symbolic link": link_to_another_file,
    "is not a regular file": os.mkfifo,
    "cannot be read": listening_socket,
    "is larger than 1 MiB": written(b"#" * 2 * 1024 * 1024),
}
UNUSABLE = {
    r"There is no `app` in your file": written(b""),
    r"SyntaxError: .*\(line 2 of your file\)": written(b"import os\ndef sign_up(:\n    pass\n"),
    r"IndentationError: .*\(line 2 of your file\)": written(b"if True:\npass\n"),
    r"SyntaxError: .*null byte": written(b"app = 42\n\0\n"),
    r"SyntaxError: .*(utf-8|UTF-8)": written(b"app = '\xff\xfe'\n"),
    r"SyntaxError: .*unknown encoding": written(b"# coding: klingon\napp = 42\n"),
    r"(RecursionError|MemoryError|SyntaxError): .*(nested|complex|stack|recursion)": written(b"app = " + b"(" * 5000),
}


@pytest.mark.parametrize("says", UNREADABLE)
def test_what_cannot_be_read_is_blocked_with_its_reason(
    says: str, warm_grader: Grader, this_course: Course, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    UNREADABLE[says](path)
    report = graded(warm_grader, this_course, path)
    assert report.problem.startswith(f"{path} {says}")
    assert report.submission.digest == ""


@pytest.mark.parametrize("says", UNUSABLE)
def test_what_cannot_be_run_is_blocked_with_the_students_line(
    says: str, warm_grader: Grader, this_course: Course, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    UNUSABLE[says](path)
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(graded(warm_grader, this_course, path).problem)


def test_a_file_with_a_byte_order_mark_is_read_as_python_does(
    warm_grader: Grader, this_course: Course, tmp_path: Path
) -> None:
    [welcome] = this_course.find("welcome_email")
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xef\xbb\xbf" + welcome.solution.read_bytes())
    assert warm_grader.grade(welcome, path).solved


def graded(grader: Grader, course: Course, path: Path) -> Report:
    """Grade it against any exercise: all behaviours are blocked, for the reason that the report gives."""
    [welcome] = course.find("welcome_email")
    told: list[str] = []
    report = grader.grade(welcome, path, on_result=lambda result: told.append(result.message))
    assert {behaviour.verdict for behaviour in report.behaviours} == {Verdict.BLOCKED}
    assert told == [report.problem] * len(report.behaviours)
    assert report.earned == 0
    return report
