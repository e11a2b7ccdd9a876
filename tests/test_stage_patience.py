"""Waiting that is counted in idle time, with a submission and a clock that are made up: no speed matters here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from grader.stage import Allowance, Patience, Vitals, patience
from grader.stage.patience import LAST_GASP, MOST_PER_SAMPLE, MOST_PRINTED, MOST_PROCESSES


class Clock:
    """Stands in for the module ``time``: it goes on when somebody looks at the submission."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    return clock


class Submission:
    """Does at each look what it is told, and counts the looks."""

    def __init__(self, clock: Clock, step: float, look: Callable[[int], Vitals]) -> None:
        self._clock, self._step, self._look = clock, step, look
        self.looks = 0

    def vitals(self) -> list[Vitals]:
        self.looks += 1
        self._clock.now += self._step
        return [self._look(self.looks)]


def vitals(
    *, asleep: bool = True, alive: bool = True, cpu: float = 0.0, processes: int = 1, printed: int = 0
) -> Vitals:
    return Vitals(alive, asleep, cpu, processes, printed)


def never() -> None:
    return None


def test_what_is_there_already_is_given_without_a_look(clock: Clock) -> None:
    submission = Submission(clock, 1.0, lambda _: vitals())
    assert Patience(submission.vitals).until(lambda: "here", idle=1.0) == "here"
    assert submission.looks == 0


def test_what_is_recorded_meanwhile_is_seen_when_it_wakes_the_waiter() -> None:
    waiting = Patience(list)
    found: list[str] = []

    def record() -> None:
        found.append("here")
        waiting.wake()

    recorder = threading.Timer(0, record)
    recorder.start()
    assert waiting.until(lambda: found, idle=30.0) == ["here"]
    recorder.join()


def test_patience_ends_when_the_submission_has_been_idle_for_so_long(clock: Clock) -> None:
    submission = Submission(clock, MOST_PER_SAMPLE, lambda _: vitals())
    waiting = Patience(submission.vitals)
    assert waiting.until(never, idle=5 * MOST_PER_SAMPLE) is None
    assert submission.looks == 5
    assert waiting.exhausted == ""


def test_a_look_counts_little_when_the_grader_itself_was_starved(clock: Clock) -> None:
    submission = Submission(clock, 1.0, lambda _: vitals())
    assert Patience(submission.vitals).until(never, idle=5 * MOST_PER_SAMPLE) is None
    assert submission.looks == 5


def test_a_submission_that_does_something_is_not_idle(clock: Clock) -> None:
    submission = Submission(clock, 0.1, lambda look: vitals(asleep=look % 2 == 0))
    assert Patience(submission.vitals).until(never, idle=5 * MOST_PER_SAMPLE) is None
    assert submission.looks == 10


def test_a_starved_submission_may_take_its_time(clock: Clock) -> None:
    submission = Submission(clock, 0.1, lambda _: vitals(asleep=False))
    assert Patience(submission.vitals).until(lambda: submission.looks == 10, idle=0.01)


def test_idleness_is_counted_anew_as_long_as_the_world_gets_on(clock: Clock) -> None:
    submission = Submission(clock, MOST_PER_SAMPLE, lambda _: vitals())
    waiting = Patience(submission.vitals)
    assert waiting.until(never, idle=5 * MOST_PER_SAMPLE, moved=lambda: min(submission.looks, 20)) is None
    assert submission.looks == 20 + 4


def test_an_outcome_that_comes_with_the_worlds_turn_is_seen(clock: Clock) -> None:
    submission = Submission(clock, 1.0, lambda _: vitals())
    arrived: list[str] = []
    waiting = Patience(submission.vitals, tick=lambda: arrived.append("reply"))
    assert waiting.until(lambda: arrived, idle=0.0) == ["reply"]


def test_one_that_computes_for_ever_is_given_up_and_later_waits_get_less(clock: Clock) -> None:
    submission = Submission(clock, 0.1, lambda look: vitals(asleep=False, cpu=0.1 * look))
    waiting = Patience(submission.vitals, allowance=Allowance(cpu=1.0, afterwards=0.25))
    assert waiting.until(never, idle=0.01) is None
    assert "went on computing for 1 s" in waiting.exhausted
    first = submission.looks
    assert waiting.until(never, idle=0.01) is None
    assert "0.25 s" in waiting.exhausted
    assert submission.looks - first < first


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (lambda _: vitals(asleep=False, processes=MOST_PROCESSES + 1), "more than 64 processes"),
        (lambda look: vitals(asleep=False, printed=look * MOST_PRINTED), "printed 128 MB and went on"),
    ],
)
def test_one_that_takes_too_much_is_given_up(clock: Clock, look: Callable[[int], Vitals], says: str) -> None:
    waiting = Patience(Submission(clock, 0.1, look).vitals)
    assert waiting.until(never, idle=1.0) is None
    assert says in waiting.exhausted


def test_the_wall_clock_is_the_last_resort(clock: Clock) -> None:
    waiting = Patience(Submission(clock, 7.0, lambda _: vitals(asleep=False)).vitals)
    assert waiting.until(never, idle=1.0) is None
    assert "Nothing had been decided after 60 s" in waiting.exhausted


def test_nobody_waits_for_processes_that_have_ended(clock: Clock) -> None:
    submission = Submission(clock, MOST_PER_SAMPLE, lambda _: vitals(alive=False, processes=0))
    assert Patience(submission.vitals).until(never, idle=30.0) is None
    assert submission.looks <= LAST_GASP / MOST_PER_SAMPLE + 1


def test_the_reason_is_forgotten_with_the_next_wait(clock: Clock) -> None:
    looks: Iterator[Vitals] = iter([vitals(processes=1000), vitals()])
    waiting = Patience(Submission(clock, 1.0, lambda _: next(looks)).vitals)
    assert waiting.until(never, idle=1.0) is None
    assert waiting.exhausted
    assert waiting.until(lambda: "here", idle=1.0) == "here"
    assert not waiting.exhausted
