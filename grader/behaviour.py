"""The marker that turns a pytest test into a behaviour of an exercise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

ATTRIBUTE = "__behaviour__"


@dataclass(frozen=True)
class Behaviour:
    """What a spec says about one of its tests.

    points: what the behaviour is worth, at least 1.
    hint: a nudge that gives no code away.
    needs: names of earlier tests; when one of them has not passed, this behaviour is blocked.
    settings: environment variables for the submission, on top of the spec's own ``SETTINGS``.
    """

    points: int
    hint: str
    needs: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


def behaviour(
    *, points: int, hint: str, needs: Sequence[str] = (), settings: dict[str, str] | None = None
) -> Callable[[Test], Test]:
    """Mark a test as a behaviour; its docstring is the sentence that the student reads.

    Whether the points are positive, the hint is there and the needs exist is checked where specs are
    read (``grader.course``), so that a mistake is reported with its file.
    """

    def mark(test: Test) -> Test:
        setattr(test, ATTRIBUTE, Behaviour(points, hint, tuple(needs), settings or {}))
        return test

    return mark
