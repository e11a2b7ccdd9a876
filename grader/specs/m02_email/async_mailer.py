"""The async mailer: encrypted or not at all, nothing smuggled in, and no mail server is waited for without end."""

from collections import Counter
from collections.abc import Iterator

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mailbox, Reply, Visitor

TRY = (
    'POST /mails {"to": "ada@example.com", "subject": "Your order", "text": "It left today."}',
    'POST /mails {"to": "ada@example.com, eve@example.org", "subject": "Your order", "text": "It left today."}',
)
SETTINGS = {"SMTP_TLS": "starttls", "SMTP_USER": "desk", "SMTP_PASSWORD": "open sesame"}

ADA, GRACE = "ada@example.com", "grace@example.com"
SUBJECT, TEXT = "Your order", "It left today."

# The silence that a behaviour waits for: long enough that connecting, with its handshake, takes less on a busy machine.
SILENCE = 0.2
GIVEN_UP = 4 * SILENCE
"""Seconds for two mails that fail one after the other, for whoever sends one at a time."""
SILENCES = {GRACE: "before its greeting", ADA: "with the mail in its hands"}
IN_ITS_HANDS = Counter({ADA: 1})
"""What may have come by then: once, though nobody was told so."""
MANY = 100
"""More connections than come."""


def mail(to: str = ADA, subject: str = SUBJECT) -> dict[str, object]:
    """Return the body of a POST."""
    return {"to": to, "subject": subject, "text": TEXT}


def post(visitor: Visitor, to: str = ADA) -> str:
    """Post a mail, and return the path at which it says how it is."""
    return visitor.post("/mails", mail(to)).follow()


def is_over(reply: Reply) -> bool:
    """Tell whether the mail is said to be sent or to have failed."""
    return str(reply.field("status", str)) != "sending"


def status_in_the_end(visitor: Visitor, where: str, patience: float = 0.15) -> str:
    """Return the last status of a mail."""
    return str(visitor.until(where, is_over, patience=patience).field("status", str))


def assert_delivered(visitor: Visitor, mailbox: Mailbox) -> None:
    """Post a mail, and see it arrive over an encrypted line."""
    where = post(visitor)
    taken = mailbox.next()
    assert taken.to == [ADA], f"The mail to {ADA} went to {', '.join(taken.to)}."
    seen = (taken.subject, taken.text.strip())
    assert seen == (SUBJECT, TEXT), f"Subject and text of the mail were {seen}."
    assert taken.encrypted, "The mail came in clear."
    status = status_in_the_end(visitor, where)
    assert status == "sent", f'The mail server has taken the mail; your app says "{status}".'


def assert_impostor_hears_nothing(visitor: Visitor, mailbox: Mailbox) -> None:
    """Post a mail while somebody else answers in the mail server's name, and see it fail in secret."""
    mailbox.impersonate()
    status = status_in_the_end(visitor, post(visitor))
    assert not mailbox.logins, "Somebody who encrypts, but is not the mail server, was told the password."
    assert not mailbox.mails, "Somebody who encrypts, but is not the mail server, was told the mail."
    assert status == "failed", f'There was only an impostor to send to; your app says "{status}".'


@behaviour(points=1, hint="Nothing has been sent when the answer goes out. What does the answer say, and where to?")
def test_mail_is_accepted(visitor: Visitor) -> None:
    """A mail is answered with 202 Accepted, and its Location leads to its status."""
    reply = visitor.post("/mails", mail())
    assert reply.status == 202, f"The mail was answered with {reply.status}."
    status = visitor.get(reply.follow()).field("status", str)
    assert status in {"sending", "sent", "failed"}, f'The status is "{status}".'


@behaviour(points=1, hint="On which port does which kind of encryption begin, and who has to ask for it?")
def test_mail_arrives_by_starttls(visitor: Visitor, mailbox: Mailbox) -> None:
    """A mail reaches its address over a line that was upgraded by STARTTLS, and is said to be sent."""
    assert_delivered(visitor, mailbox)


@behaviour(
    points=2,
    hint="Upgraded later, or encrypted from the first byte: does your app know the difference?",
    settings={"SMTP_TLS": "implicit"},
)
def test_mail_arrives_by_implicit_tls(visitor: Visitor, mailbox: Mailbox) -> None:
    """With SMTP_TLS=implicit, a mail reaches its address over TLS from the first byte."""
    assert_delivered(visitor, mailbox)


@behaviour(
    points=4,
    hint="If somebody on the line crosses the server's offer out: does your app insist, or does it make do?",
    needs=["test_mail_arrives_by_starttls"],
)
def test_stripped_starttls_is_refused(visitor: Visitor, mailbox: Mailbox) -> None:
    """A server that offers no STARTTLS hears neither the password nor the mail, and the mail has failed."""
    mailbox.strip_starttls()
    status = status_in_the_end(visitor, post(visitor))
    assert not mailbox.disgraced, "The password went over the line in clear text."
    assert not mailbox.mails, "The mail went over the line in clear text."
    assert status == "failed", f'The mail could not be sent in secret; your app says "{status}".'


@behaviour(
    points=2,
    hint="An encrypted line leads to somebody. How does your app know to whom?",
    needs=["test_mail_arrives_by_starttls"],
)
def test_impostor_hears_nothing(visitor: Visitor, mailbox: Mailbox) -> None:
    """A server whose certificate nobody vouches for hears neither password nor mail, and the mail has failed."""
    assert_impostor_hears_nothing(visitor, mailbox)


@behaviour(
    points=1,
    hint="Your app takes two ways to an encrypted line. Does it look who is there at the end of each?",
    needs=["test_mail_arrives_by_implicit_tls"],
    settings={"SMTP_TLS": "implicit"},
)
def test_impostor_hears_nothing_by_implicit_tls(visitor: Visitor, mailbox: Mailbox) -> None:
    """With SMTP_TLS=implicit, too, an impostor hears neither password nor mail, and the mail has failed."""
    assert_impostor_hears_nothing(visitor, mailbox)


def smuggled() -> Iterator[dict[str, object]]:
    """Make mails that would reach, or show, more than their fields say."""
    for line_break in ("\r\n", "\n", "\r"):
        yield mail(subject=f"Hello{line_break}Bcc: eve@example.org")
        yield mail(subject=f"Hello{line_break}")  # and one more makes an end of all headers
    for comma in (", ", ","):
        yield mail(to=f"{ADA}{comma}eve@example.org")
    yield mail(to=f"{ADA}\r\nBcc: eve@example.org")
    yield mail(to="everybody")


@behaviour(
    points=3,
    hint="What separates one header from the next, and one recipient from the next? Who may write that?",
    needs=["test_mail_arrives_by_starttls"],
)
def test_nothing_is_smuggled_in(visitor: Visitor, mailbox: Mailbox) -> None:
    """A subject with a line break, or anything but one address, is answered with 422, and nothing is sent."""
    calls = [(body, visitor.start("POST", "/mails", body)) for body in smuggled()]
    for body, call in calls:
        reply = call.reply()
        assert reply.status == 422, f"To {body['to']!r}, subject {body['subject']!r}: answered with {reply.shown()}"
    post(visitor, GRACE)
    first = mailbox.next()
    assert first.to == [GRACE], f"A mail that was refused went out all the same, to {', '.join(first.to)}."


@behaviour(
    points=3,
    hint="The mail waits, as it may. On whose time does it wait?",
    needs=["test_mail_arrives_by_starttls"],
)
def test_stuck_mail_server_delays_nobody(visitor: Visitor, mailbox: Mailbox) -> None:
    """While a mail waits for a stuck mail server, visitors are served, and the mail leaves afterwards."""
    with mailbox.closed() as gate:
        first = visitor.post("/mails", mail())
        assert first.arrived, "Your app waited for the mail server before it answered."
        assert gate.knocked(), "Nobody came to the mail server."
        shown = visitor.get(first.follow())
        assert shown.arrived, "While a mail waited for the mail server, your app served nobody."
        status = shown.field("status", str)
        assert status == "sending", f'While the mail waits, your app says "{status}".'
    mailbox.next()


@behaviour(
    points=3,
    hint="A server that takes a connection need not answer, and one that takes a mail need not say so. Who gives up?",
    needs=["test_stuck_mail_server_delays_nobody"],
    settings={"SMTP_TIMEOUT_SECONDS": str(SILENCE)},
)
def test_silent_server_is_given_up(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """A server that falls silent, before its greeting or with the mail in its hands, is given up in time, for good."""
    with mailbox.closed(at="data"), mailbox.closed() as greeting:
        asked = {GRACE: post(visitor, GRACE)}
        if greeting.knocked():  # or is given up by now, on a machine that is very slow: that is right as well
            app.settle(0.02)  # whoever opens several connections has opened them all
            greeting.close(let=MANY)  # whoever comes from now on is greeted, also somebody who comes a second time
        asked[ADA] = post(visitor)
        for to, moment in SILENCES.items():
            status = status_in_the_end(visitor, asked[to], GIVEN_UP)
            told = f"The mail server fell silent {moment}"
            assert status == "failed", f'{told}; {GIVEN_UP:g} s later your app says "{status}".'
        again = mailbox.written_to - IN_ITS_HANDS
        assert not again, f"The mail server fell silent, and the mail to {' and '.join(again)} was tried again."
    # The server speaks again. Whoever had not hung up would now go on, to the end, and hang up only then.
    app.patience.until(lambda: not mailbox.open_now, idle=GIVEN_UP)
    late = mailbox.written_to[GRACE]
    assert not late, "A mail had failed, and went out all the same when the mail server spoke again."
