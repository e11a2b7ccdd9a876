"""What all tests share: the course, and one grader for as long as a pytest process lives."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from grader.course import Course, load
from grader.run import Grader


def pytest_configure() -> None:
    """Let what the tests start hear of Ctrl-C, which a shell that starts pytest with ``&`` has it and them ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def this_course() -> Course:
    """This repository's course."""
    return load()


@pytest.fixture(scope="session")
def warm_grader() -> Iterator[Grader]:
    """One grader on one warm stage: hundreds of submissions are graded one after another."""
    with Grader() as grader:
        yield grader
