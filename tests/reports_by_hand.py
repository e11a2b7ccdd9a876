"""Reports built by hand, for tests of what prints and exports them."""

from __future__ import annotations

from grader.report.verdict import BehaviourResult, Event, Report, Submission, Verdict

LESSON = "modules/m01_background_tasks/welcome_email.md#the-smallest-change"

PASSED = BehaviourResult(
    name="test_signup_is_accepted",
    sentence="Signing up is answered with 202 Accepted.",
    verdict=Verdict.PASSED,
    points=1,
    earned=1,
    hint="There is a status that says: accepted, not done yet.",
    lesson=LESSON,
    duration=12.5,
)
FAILED = BehaviourResult(
    name="test_email_leaves_after_the_response",
    sentence="The response does not wait for the mail server.",
    verdict=Verdict.FAILED,
    points=4,
    earned=0,
    message="Your app talked to the mail server before it answered the visitor.",
    hint="Who calls send_welcome, and when: you now, or the framework later?",
    lesson=LESSON,
    timeline=(
        Event(at=0, part="visitor", text='POST /signups  {"email": "ada@example.com"}'),
        Event(at=4.4, part="mailbox", text="your app opened a connection; the mail server keeps it waiting"),
        Event(at=154.2, part="visitor", text="still no response: gave up"),
    ),
    output="sending now\n",
    duration=155,
)
BLOCKED = BehaviourResult(
    name="test_one_mail",
    sentence="The visitor gets exactly one mail.",
    verdict=Verdict.BLOCKED,
    points=2,
    earned=0,
    message='Waits for "The response does not wait for the mail server."',
)
ERROR = BehaviourResult(
    name="test_refusal",
    sentence="A refused address harms nobody else.",
    verdict=Verdict.ERROR,
    points=2,
    earned=0,
    message="KeyError: 'status' in grader/specs/m01_background_tasks/welcome_email.py, line 31",
)


def report(*behaviours: BehaviourResult, problem: str = "", name: str = "welcome_email") -> Report:
    """A report on these behaviours."""
    return Report(
        grader_version="0.1.0",
        exercise=f"m01_background_tasks/{name}",
        title="The welcome email",
        submission=Submission(path=f"exercises/m01_background_tasks/{name}.py", digest="ab" * 32),
        problem=problem,
        behaviours=behaviours,
        duration=sum(result.duration for result in behaviours),
    )
