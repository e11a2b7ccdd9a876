"""A job opens its own resources, late, and gives them back early."""

import pytest

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mail, Mailbox, Partner, Reply, Visitor, World

PARTNERS = ("templates",)
SETTINGS = {"POOL_TIMEOUT_SECONDS": "5"}  # so long that a starved machine cannot be taken for an exhausted pool
TRY = (
    'POST /members {"email": "ada@example.com", "name": "Ada"}',
    'PATCH /members/1 {"name": "Ada Lovelace"}',
    "GET /members/1",
)
JOBS = 15
"""As many as wait while the next visitor comes: as a pool that nobody has limited has connections."""


@pytest.fixture(autouse=True)
def templates(world: World, mailbox: Mailbox) -> Partner:  # noqa: ARG001 - no letter without a mail server
    """The service that knows the letter's template."""
    partner = world.partner("templates")
    partner.answer(200, {"text": "Welcome to the club, {name}!"})
    return partner


def sign_up(visitor: Visitor, name: str) -> Reply:
    """Sign up the person of that name."""
    return visitor.post("/members", {"email": f"{name.lower()}@example.com", "name": name})


def letter_to(mailbox: Mailbox, name: str) -> Mail:
    """Wait for the letter to that person, past letters to others."""
    while (mail := mailbox.next()).to != [f"{name.lower()}@example.com"]:
        pass
    return mail


@behaviour(points=1, hint="Which status says that something has been created?")
def test_signup_is_answered_with_the_member(visitor: Visitor) -> None:
    """A signup is answered with 201 and the member."""
    reply = sign_up(visitor, "Ada")
    assert reply.status == 201, f"The signup was answered with {reply.status}."
    reply.field("id", int)
    shown = reply.field("email", str), reply.field("name", str)
    assert shown == ("ada@example.com", "Ada"), f"Ada signed up as ada@example.com, and was shown as {shown}."


@behaviour(points=2, hint="Can the job get a connection, and can it see the row, at the moment at which it runs?")
def test_new_member_gets_a_letter(visitor: Visitor, mailbox: Mailbox) -> None:
    """A new member gets a letter with the name in it."""
    sign_up(visitor, "Ada")
    mail = mailbox.next()
    assert mail.to == ["ada@example.com"], f"The letter for ada@example.com went to {mail.to}."
    assert "Welcome to the club, Ada!" in mail.text, f"The letter reads: {mail.text!r}."


@behaviour(points=3, hint="Count the pool's connections: who has the only one while the request's jobs run?")
def test_next_visitor_is_served_while_a_job_waits_for_the_templates(
    visitor: Visitor, templates: Partner, app: App
) -> None:
    """The next visitor is served while a job waits for the templates."""
    with templates.closed() as gate:
        first = sign_up(visitor, "Ada")
        assert first.arrived, "The signup was not answered while the templates kept its job waiting."
        assert gate.knocked(), "No job came to ask for a template."
        _assert_more_are_served(visitor, app, "the templates")


@behaviour(
    points=3,
    hint="What does the letter need from the database, and when has it all of it?",
    needs=["test_new_member_gets_a_letter"],
)
def test_next_visitor_is_served_while_a_job_waits_for_the_mail_server(
    visitor: Visitor, mailbox: Mailbox, app: App
) -> None:
    """The next visitor is served while a job waits for the mail server."""
    with mailbox.closed() as gate:
        first = sign_up(visitor, "Ada")
        assert first.arrived, "The signup was not answered while the mail server kept its job waiting."
        assert gate.knocked(), "No job came to the mail server."
        _assert_more_are_served(visitor, app, "the mail server")


def _assert_more_are_served(visitor: Visitor, app: App, holder: str) -> None:
    """Sign up more and more people while jobs wait: a larger pool hides a held connection only for a while."""
    for waiting in range(1, JOBS + 1):
        if waiting == JOBS:
            app.settle(0.03)  # the other jobs come as far as they can
        reply = sign_up(visitor, f"Grace{waiting}")
        seen = f"was answered with {reply.status}" if reply.arrived else "got no answer"
        held = "the first one's job" if waiting == 1 else f"jobs of the first {waiting}"
        assert reply.status in {200, 201, 202}, f"The next visitor {seen} while {holder} kept {held} waiting."


@behaviour(
    points=2,
    hint="What does the job hold in its hand while it waits: the member, or the way to the member?",
    needs=["test_new_member_gets_a_letter", "test_next_visitor_is_served_while_a_job_waits_for_the_templates"],
)
def test_letter_carries_the_current_name(visitor: Visitor, templates: Partner, mailbox: Mailbox) -> None:
    """The letter carries the name that the member has when the template has come."""
    with templates.closed() as gate:
        member = sign_up(visitor, "Ada").field("id", int)
        assert gate.knocked(), "No job came to ask for a template."
        renamed = visitor.patch(f"/members/{member}", {"name": "Countess Lovelace"})
        assert renamed.status == 200, f"The new name was answered with {renamed.status}."
    mail = mailbox.next()
    assert "Countess Lovelace" in mail.text, f"Ada had become Countess Lovelace, but the letter reads: {mail.text!r}."


@behaviour(
    points=2,
    hint="At which line is it certain that there is a member, and at which line is there a job?",
    needs=["test_new_member_gets_a_letter"],
)
def test_refused_signup_has_no_job(visitor: Visitor, templates: Partner, mailbox: Mailbox) -> None:
    """A signup with an address that is taken gets 409, and nobody gets a letter for it."""
    sign_up(visitor, "Ada")
    letter_to(mailbox, "Ada")
    refused = sign_up(visitor, "Ada")
    assert refused.status == 409, f"The address was taken, and the signup was answered with {refused.status}."
    sign_up(visitor, "Grace")
    letter_to(mailbox, "Grace")
    letters, asked = len(mailbox.mails), len(templates.calls)
    assert letters == 2, f"Two people became members, and {letters} letters were sent."
    assert asked <= 2, f"Two people became members, and a template was asked for {asked} times."
    assert asked == 2, f"Two letters were sent, and the template was not asked for once for each: {asked} in all."


@behaviour(
    points=2,
    hint="Whose code does a job's exception travel through before it reaches the log?",
    needs=["test_new_member_gets_a_letter"],
)
def test_failed_job_harms_nobody(visitor: Visitor, templates: Partner, mailbox: Mailbox, app: App) -> None:
    """A job that fails asks no second time and leaves its member stored, and the next member gets a letter."""
    templates.answer(503, times=1)
    member = sign_up(visitor, "Ada").field("id", int)
    templates.next()
    app.settle(0.02)  # whoever asks again at once has done so by then
    asked = len(templates.calls)
    assert asked == 1, f"The template was answered 503, and it was asked for {asked} times for one letter."
    sign_up(visitor, "Grace")
    letter_to(mailbox, "Grace")
    stored = visitor.get(f"/members/{member}")
    seen = f"the answer was {stored.status} {stored.text}" if stored.arrived else "there was no answer"
    assert "ada@example.com" in stored.text, f"Ada's job failed; then she was asked for at her id, and {seen}."
