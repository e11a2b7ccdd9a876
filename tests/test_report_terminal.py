"""How reports read on a terminal."""

from __future__ import annotations

import pytest

from grader.report.layout import plain
from grader.report.overview import overview_lines
from grader.report.terminal import feedback, report_lines
from grader.report.verdict import BehaviourResult, Event
from tests.reports_by_hand import BLOCKED, ERROR, FAILED, PASSED, report


def changed(result: BehaviourResult, **fields: object) -> BehaviourResult:
    return result.model_copy(update=fields)


def test_a_failed_behaviour_tells_its_story() -> None:
    assert (
        feedback(FAILED)
        == """\
✗ The response does not wait for the mail server.                          0 / 4
      0 ms  visitor   POST /signups  {"email": "ada@example.com"}
      4 ms  mailbox   your app opened a connection; the mail server keeps it
                      waiting
    154 ms  visitor   still no response: gave up
  Your app talked to the mail server before it answered the visitor.
  Your app printed something, too: --show-output shows it.
  Hint  Who calls send_welcome, and when: you now, or the framework later?
  Read  modules/m01_background_tasks/welcome_email.md#the-smallest-change"""
    )


def test_a_passed_behaviour_is_one_line() -> None:
    assert feedback(PASSED) == f"✓ {PASSED.sentence:<71}  1 / 1"


def test_a_blocked_behaviour_says_what_it_waits_for() -> None:
    assert feedback(BLOCKED).splitlines()[1:] == ['  Waits for "The response does not wait for the mail server."']


def test_an_error_is_owned_by_the_grader() -> None:
    first, second, *rest = feedback(ERROR).splitlines()
    assert first.startswith("! A refused address harms nobody else.")
    assert first.endswith("? / 2")
    assert second == "  This is the grader's own fault, not yours, and costs you nothing:"
    assert "KeyError" in " ".join(rest)


def test_output_is_shown_on_request_only() -> None:
    noisy = changed(FAILED, output="\x1b[31msending\x1b[0m now\nINFO:     started\n")
    assert "sending" not in plain(report_lines(report(noisy)))
    shown = plain(report_lines(report(noisy), show_output=True))
    assert "  Your app printed:\n  | sending now\n  | INFO:     started\n" in shown


def test_the_servers_routine_lines_are_not_announced() -> None:
    assert "--show-output" not in feedback(changed(FAILED, output="INFO:     Started server process [1]\n"))


def test_a_long_timeline_keeps_its_head_and_its_tail() -> None:
    events = tuple(Event(at=number, part="visitor", text=f"request {number}") for number in range(100))
    lines = feedback(changed(FAILED, timeline=events)).splitlines()
    shown = [line for line in lines if "request" in line]
    assert len(shown) == 24
    assert shown[0].endswith("request 0")
    assert shown[-1].endswith("request 99")
    assert lines[9] == "         …  76 more lines are left out"


def test_a_submission_that_never_ran_is_told_once() -> None:
    text = plain(report_lines(report(BLOCKED, BLOCKED, problem="app.py, line 3\n    def f(:\nSyntaxError: bad")))
    assert "  app.py, line 3\n      def f(:\n  SyntaxError: bad\n" in text
    assert text.count("never came up") == 1
    assert "printed" not in text
    assert BLOCKED.sentence not in text
    assert text.endswith("0 of 4 points, 0 of 2 behaviours.")


def test_what_a_submission_printed_before_it_failed_to_start_can_be_shown() -> None:
    failed = report(changed(BLOCKED, output="Traceback ..."), problem="no app")
    assert "  --show-output shows what was printed.\n" in plain(report_lines(failed))
    assert "  Your app printed:\n  | Traceback ...\n" in plain(report_lines(failed, show_output=True))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_every_line_fits_the_width(width: int) -> None:
    long = changed(
        FAILED, sentence="A sentence that goes on " * 9, message="m" * 300, hint="Why? " * 80, output="o" * 200
    )
    text = plain(report_lines(report(PASSED, long, BLOCKED, ERROR), width, show_output=True))
    assert max(len(line) for line in text.splitlines()) <= width


def test_an_overview_lists_what_does_not_hold_yet() -> None:
    reports = [report(PASSED), report(PASSED, FAILED, BLOCKED, name="newsletter"), report(BLOCKED, problem="no app")]
    assert (
        plain(overview_lines(reports))
        == """\
  exercise                            behaviours      points        time
✓ m01_background_tasks/welcome_email       1 / 1       1 / 1       12 ms
✗ m01_background_tasks/newsletter          1 / 3       1 / 7      168 ms
    ✗ The response does not wait for the mail server.
    - The visitor gets exactly one mail.
✗ m01_background_tasks/welcome_email       0 / 1       0 / 2        0 ms
    no app

1 of 3 exercises solved, 2 of 10 points."""
    )
