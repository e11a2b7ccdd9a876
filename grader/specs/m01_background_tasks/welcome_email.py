"""The welcome email leaves after the response, and a stuck mail server delays nobody."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mailbox, Visitor

TRY = ('POST /signups {"email": "ada@example.com"}',)

ADA = {"email": "ada@example.com"}
GRACE = {"email": "grace@example.com"}
MORE = 12


@behaviour(points=1, hint="There is a status that says: accepted, not done yet.")
def test_signup_is_accepted(visitor: Visitor) -> None:
    """A signup is answered with 202 Accepted."""
    reply = visitor.post("/signups", ADA)
    assert reply.arrived, "The signup was not answered."
    assert reply.status == 202, f"The signup was answered with {reply.status}."


@behaviour(points=2, hint="Accepted is not finished: where can the visitor look again?")
def test_location_leads_to_the_signup(visitor: Visitor) -> None:
    """The response's Location leads to the signup."""
    accepted = visitor.post("/signups", ADA)
    where = accepted.follow()
    signup = visitor.get(where)
    assert signup.status == 200, f"GET {where} was answered with {signup.status}."
    assert signup.field("email", str) == ADA["email"], f"GET {where} shows another subscriber."
    accepted.field("id", str)
    assert signup.json == accepted.json, (
        f"The signup was answered with {accepted.shown()}; GET {where} shows {signup.shown()}."
    )


@behaviour(points=2, hint="Is the function handed over to be called, or called to be handed over?")
def test_each_subscriber_gets_one_email(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """Each subscriber gets one email."""
    for subscriber in (ADA, GRACE):
        visitor.post("/signups", subscriber)
        mail = mailbox.next()
        assert mail.to == [subscriber["email"]], f"After {subscriber['email']} had signed up, {mail.to} got an email."
    app.settle(0.02)  # nothing else would come after a second email
    assert len(mailbox.mails) == 2, f"Two subscribers were sent {len(mailbox.mails)} emails."


@behaviour(
    points=4,
    hint="Who calls send_welcome, and when: you now, or the framework later?",
    needs=["test_each_subscriber_gets_one_email"],
)
def test_email_leaves_after_the_response(visitor: Visitor, mailbox: Mailbox) -> None:
    """The response does not wait for the mail server."""
    with mailbox.closed():
        reply = visitor.post("/signups", ADA)
        assert reply.arrived, "Your app waited for the mail server before it answered the visitor."
    assert reply.succeeded, f"While the mail server was stuck, the signup was answered with {reply.status}."
    assert mailbox.next().to == [ADA["email"]], "The email that had to wait never reached the subscriber."


@behaviour(
    points=3,
    hint="The email waits, as it may. On whose time does it wait?",
    needs=["test_email_leaves_after_the_response"],
)
def test_stuck_mail_server_delays_nobody(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """While an email waits for a stuck mail server, others are served, and each gets an email in the end."""
    with mailbox.closed() as gate:
        visitor.post("/signups", ADA)
        assert gate.knocked(), "Nobody came to the mail server."
        for number in range(MORE):
            reply = visitor.post("/signups", {"email": f"grace{number}@example.com"})
            waiting = "one email" if number == 0 else f"{number + 1} emails"
            assert reply.arrived, f"While {waiting} waited for the mail server, your app served nobody."
            assert reply.succeeded, f"While {waiting} waited, the next signup was answered with {reply.status}."
        app.settle(0.02)  # as many emails as can wait at once do so by then
    mailbox.expect(1 + MORE)
    written = len(mailbox.written_to)
    assert written == 1 + MORE, f"{1 + MORE} subscribers had signed up, and the emails went to {written} of them."
