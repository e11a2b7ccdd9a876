"""The newsletter: a bad address costs nobody else their copy, and every failure can be read."""

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mailbox, Reply, Visitor

TRY = (
    'POST /newsletters {"subject": "November", "text": "Rain.", "recipients": ["ada@example.com", "bob@example.org"]}',
)
GRANTED = 2
SETTINGS = {"MAIL_CONNECTIONS": str(GRANTED)}

# Isolation is the same fact with six recipients as with five hundred, and costs a hundredth of the time. Two fail, at
# places where a plain loop, a shared queue and a list cut in two all lose somebody if they are not isolated.
RECIPIENTS = [f"reader{number}@example.com" for number in range(6)]
REFUSED, HANGS_UP, SLOW = RECIPIENTS[4], RECIPIENTS[2], RECIPIENTS[2]
BAD = {REFUSED, HANGS_UP}
GOOD = set(RECIPIENTS) - BAD


def newsletter(recipients: list[str]) -> dict[str, object]:
    """Return the body of a POST."""
    return {"subject": "November", "text": "It rains.", "recipients": recipients}


def publish(visitor: Visitor, recipients: list[str]) -> Reply:
    """Post a newsletter to these recipients."""
    return visitor.post("/newsletters", newsletter(recipients))


def spoil(mailbox: Mailbox) -> None:
    """Let two of the recipients fail, each in a way of its own."""
    mailbox.refuse(REFUSED)
    mailbox.drop(HANGS_UP)


def is_done(reply: Reply) -> bool:
    """Tell whether the newsletter is said to be done."""
    return bool(reply.field("status", str) == "done")


def addresses(mailbox: Mailbox) -> list[str]:
    """Return who was written to, one entry per mail."""
    return sorted(", ".join(mail.to) for mail in mailbox.mails)


@behaviour(points=1, hint="Nothing has been sent when the answer goes out. Which status says so?")
def test_newsletter_is_accepted(visitor: Visitor) -> None:
    """A newsletter is answered with 202 Accepted."""
    reply = publish(visitor, ["ada@example.com"])
    assert reply.status == 202, f"The newsletter was answered with {reply.status}."


@behaviour(points=1, hint="Whoever gets a 202 wants to know where to ask later.")
def test_location_leads_to_the_progress(visitor: Visitor) -> None:
    """The answer's Location leads to how far the newsletter got."""
    shown = visitor.get(publish(visitor, ["ada@example.com"]).follow())
    assert shown.status == 200, f"Asking at the Location was answered with {shown.status}."
    status = shown.field("status", str)
    assert status in ("sending", "done"), f'The status is "{status}", neither "sending" nor "done".'
    shown.field("sent", int)
    shown.field("failed", dict)


@behaviour(points=2, hint="What must have happened before the editor gets an answer, and what may happen later?")
def test_five_hundred_are_accepted_at_once(visitor: Visitor, mailbox: Mailbox) -> None:
    """Five hundred recipients are accepted although the mail server is stuck."""
    with mailbox.closed():
        reply = publish(visitor, [f"reader{number}@example.com" for number in range(500)])
    assert reply.arrived, "Your app wanted to talk to the mail server before it answered the editor."


@behaviour(points=2, hint="Who takes the list from the request to the mail server, and does that part run at all?")
def test_every_recipient_gets_one_mail(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """Every recipient is sent one mail of their own, with subject and text."""
    publish(visitor, RECIPIENTS)
    mails = mailbox.expect(len(RECIPIENTS))
    app.settle(0.02)  # nothing else would come after a second mail
    assert addresses(mailbox) == RECIPIENTS, f"The mails went to {'; '.join(addresses(mailbox))}."
    seen = {(mail.subject, mail.text.strip()) for mail in mails}
    assert seen == {("November", "It rains.")}, f"Subject and text of the mails were {seen}."


@behaviour(points=3, hint="When one mail cannot be sent, which lines of your code are not reached any more?")
def test_bad_addresses_lose_nobody_else(visitor: Visitor, mailbox: Mailbox) -> None:
    """A recipient who is refused, or on whom the server hangs up, loses nobody else their mail."""
    spoil(mailbox)
    publish(visitor, RECIPIENTS)
    mailbox.expect(len(GOOD))
    lost = GOOD - set(addresses(mailbox))
    assert not lost, f"Some were written to twice, and these not at all: {', '.join(sorted(lost))}."


@behaviour(
    points=3,
    hint="Where does the error of one mail end up, and could the editor read it there?",
    needs=["test_location_leads_to_the_progress"],
)
def test_every_failure_is_recorded(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """The finished newsletter names every recipient who failed, with a reason, and counts the others."""
    spoil(mailbox)
    shown = visitor.until(publish(visitor, RECIPIENTS).follow(), is_done)
    assert is_done(shown), "The newsletter never came to be done."
    failed = shown.field("failed", dict)
    assert set(failed) == BAD, (
        f"Failed were {', '.join(sorted(BAD))}; your app says {', '.join(sorted(failed)) or 'none'}."
    )
    app.settle(0.02)  # a second attempt would have been made by now
    twice = [address for address in RECIPIENTS if mailbox.named.count(address) > 1]
    assert not twice, f"More than once was tried: {', '.join(twice)}."
    wordless = [address for address, reason in failed.items() if not (isinstance(reason, str) and reason.strip())]
    assert not wordless, f"There are no words on why {', '.join(wordless)} failed."
    sent = shown.field("sent", int)
    assert sent == len(GOOD), f"{len(GOOD)} mails were delivered; your app counted {sent}."
    _assert_next_one_counts_its_own(visitor)


def _assert_next_one_counts_its_own(visitor: Visitor) -> None:
    """Publish a newsletter to one good address, after another newsletter has had failures."""
    shown = visitor.until(publish(visitor, ["ada@example.com"]).follow(), is_done)
    assert is_done(shown), "The next newsletter, with one recipient, never came to be done."
    failed, sent = shown.field("failed", dict), shown.field("sent", int)
    assert not failed, f"Nobody failed in the next newsletter; your app says {', '.join(sorted(failed))}."
    assert sent == 1, f"The next newsletter had one recipient; your app counted {sent} sent."


@behaviour(points=3, hint="Do background tasks run beside each other? And what would bound them if they did?")
def test_conversations_are_as_many_as_granted(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """As many conversations are open at once as the mail server grants (here 2)."""
    with mailbox.closed() as gate:
        visitor.start("POST", "/newsletters", newsletter(RECIPIENTS))
        gate.knocked(times=GRANTED)
        app.settle(0.01)  # the last chance to open more than were granted
        seen = gate.waiting
        visitor.start("POST", "/newsletters", newsletter(RECIPIENTS))
        app.settle(0.01)
        seen_with_two = gate.waiting
    assert seen == GRANTED, f"The mail server grants {GRANTED} conversations at a time; your app opened {seen}."
    assert seen_with_two == GRANTED, (
        f"The server grants {GRANTED} conversations at a time; for two newsletters your app opened {seen_with_two}."
    )


@behaviour(
    points=3,
    hint="Who takes the next recipient, and what does it wait for before it does?",
    needs=["test_location_leads_to_the_progress"],
)
def test_slow_recipient_holds_up_nobody(visitor: Visitor, mailbox: Mailbox) -> None:
    """While one recipient takes the mail server long, the others get theirs, and the progress says so."""
    others = len(RECIPIENTS) - 1
    with mailbox.holding(SLOW):
        where = publish(visitor, RECIPIENTS).follow()
        mailbox.expect(others)
        lost = set(RECIPIENTS) - {SLOW} - set(addresses(mailbox))
        assert not lost, f"These were not written to meanwhile: {', '.join(sorted(lost))}."
        shown = visitor.until(where, lambda reply: bool(reply.field("sent", int) == others))
        assert shown.field("sent", int) == others, (
            f"{others} mails were delivered; your app counted {shown.field('sent')}."
        )
        assert not is_done(shown), "One mail was still on its way; your app said that the newsletter was done."
    assert is_done(visitor.until(where, is_done)), "The newsletter never came to be done."
