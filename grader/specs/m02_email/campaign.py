"""A campaign needs few connections, tries again only what may pass, and goes on after a crash where it was."""

from collections import Counter

from grader.behaviour import behaviour
from grader.stage import App
from grader.world import Mailbox, Reply, Visitor

TRY = (
    'POST /campaigns {"subject": "November", "text": "Rain.", "recipients": ["ada@example.com", "bob@example.org"]}',
)
GRANTED = 3
SETTINGS = {"MAIL_CONNECTIONS": str(GRANTED), "RETRY_SECONDS": "0.02"}

# Each fact is the same with these as with thousands. Where a connection for each mail has to show, there are 40 mails.
MANY = [f"reader{number:02}@example.com" for number in range(40)]
SOME = MANY[:8]
MOST_OPENED = 2 * GRANTED
SERVED = 4
"""So many mails are acknowledged before the crash."""


def campaign(recipients: list[str]) -> dict[str, object]:
    """Return the body of a POST."""
    return {"subject": "November", "text": "It rains.", "recipients": recipients}


def start(visitor: Visitor, recipients: list[str]) -> str:
    """Start a campaign, and return the path of its progress."""
    return visitor.post("/campaigns", campaign(recipients)).follow()


def is_done(reply: Reply) -> bool:
    """Tell whether the campaign is said to be done."""
    return bool(reply.field("status", str) == "done")


def done(visitor: Visitor, where: str) -> Reply:
    """Wait until the campaign is done."""
    reply = visitor.until(where, is_done)
    assert is_done(reply), f"The campaign never came to be done: {reply.shown()}."
    return reply


def written_to(mailbox: Mailbox) -> Counter[str]:
    """How many mails went to whom; a mail to several counts as one to all of them together."""
    return Counter(", ".join(mail.to) for mail in mailbox.mails)


def twice(counts: Counter[str]) -> str:
    """Name those who are counted more than once."""
    return ", ".join(address for address, times in counts.items() if times > 1)


def assert_all_written_to(mailbox: Mailbox, recipients: list[str]) -> None:
    """Every one of these has been sent a mail of their own, and nobody else."""
    missing = [address for address in recipients if address not in written_to(mailbox)]
    assert not missing, f"The campaign is done, and these were sent no mail of their own: {', '.join(missing)}."
    others = set(written_to(mailbox)) - set(recipients)
    assert not others, f"A mail went to {'; '.join(sorted(others))}, who are not in the campaign."


@behaviour(points=1, hint="What has to be in safety before the answer, and what has only to be under way?")
def test_campaign_is_accepted(visitor: Visitor, mailbox: Mailbox) -> None:
    """A campaign is answered with 202 while the mail server is stuck, and its Location leads to its progress."""
    with mailbox.closed():
        reply = visitor.post("/campaigns", campaign(SOME))
        assert reply.arrived, "Your app waited for the mail server before it answered."
        assert reply.status == 202, f"The campaign was answered with {reply.status}."
        shown = visitor.get(reply.follow())
        assert shown.status == 200, f"Asking at the Location was answered with {shown.status}."
        told = shown.field("status", str), shown.field("sent", int), shown.field("failed", dict)
        assert told == ("sending", 0, {}), f"The mail server has taken nothing yet; your app says {shown.shown()}."


@behaviour(points=2, hint="For whom is a mail meant, and who counts it when the mail server has it?")
def test_every_recipient_gets_one_mail(visitor: Visitor, mailbox: Mailbox) -> None:
    """Every recipient is sent one mail of their own, and is counted."""
    shown = done(visitor, start(visitor, SOME))
    assert_all_written_to(mailbox, SOME)
    assert not twice(written_to(mailbox)), f"More than one mail went to {twice(written_to(mailbox))}."
    seen = {(mail.subject, mail.text.strip()) for mail in mailbox.mails}
    assert seen == {("November", "It rains.")}, f"Subject and text of the mails were {seen}."
    sent = shown.field("sent", int)
    assert sent == len(SOME), f"{len(SOME)} mails were sent; your app counts {sent}."


@behaviour(
    points=3,
    hint="Who opens a connection, how many of them are there, and what do they do when a mail has been taken?",
    needs=["test_every_recipient_gets_one_mail"],
)
def test_connections_are_few_and_used_again(visitor: Visitor, mailbox: Mailbox) -> None:
    """Two campaigns share the connections that are granted (here 3 at a time), and use them again."""
    where = [start(visitor, recipients) for recipients in (MANY[:20], MANY[20:])]
    for path in where:
        done(visitor, path)
    assert mailbox.at_once <= GRANTED, f"MAIL_CONNECTIONS={GRANTED}, and {mailbox.at_once} were open at once."
    most = MOST_OPENED * len(where)
    assert mailbox.connections <= most, (
        f"Two campaigns of 20 mails may open {most} connections in all; your app opened {mailbox.connections}."
    )
    assert_all_written_to(mailbox, MANY)


@behaviour(
    points=3,
    hint="What does the mail server mean by the first digit of its answer, and about whom does it say it?",
    needs=["test_every_recipient_gets_one_mail"],
)
def test_only_what_may_pass_is_tried_again(visitor: Visitor, mailbox: Mailbox) -> None:
    """A recipient who is answered 550 has failed, one who is answered 451 is tried again, and nobody else is."""
    refused, put_off = SOME[2], (SOME[0], SOME[5])
    mailbox.refuse(refused)
    for address in put_off:
        mailbox.defer(address)
    shown = done(visitor, start(visitor, SOME))
    failed = shown.field("failed", dict)
    assert set(failed) == {refused}, f"Failed has {refused}, with a 550; your app says {', '.join(failed) or 'nobody'}."
    assert isinstance(failed[refused], str), f"There are no words on why {refused} failed: {failed}."
    sent = shown.field("sent", int)
    assert sent == len(SOME) - 1, f"{len(SOME) - 1} mails were taken; your app counts {sent}."
    assert_all_written_to(mailbox, [address for address in SOME if address != refused])
    again = {address for address, times in Counter(mailbox.named).items() if times > 1}
    assert again == set(put_off), f"Only a 451 is worth another attempt; tried again were {', '.join(sorted(again))}."


@behaviour(
    points=2,
    hint="The line is dead. Who notices, and on which line do the next ones travel?",
    needs=["test_every_recipient_gets_one_mail"],
)
def test_broken_connection_loses_nobody(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """When the mail server hangs up on a recipient, the others get their mail, and that one gets it later."""
    unlucky = SOME[-2]
    mailbox.drop(unlucky)
    where = start(visitor, SOME)
    mailbox.expect(len(SOME) - 1)
    mailbox.dropped.discard(unlucky)
    app.patience.until(lambda: unlucky in written_to(mailbox), idle=0.15)
    assert_all_written_to(mailbox, SOME)
    done(visitor, where)
    assert not twice(written_to(mailbox)), f"More than one mail went to {twice(written_to(mailbox))}."


@behaviour(
    points=4,
    hint="The process is gone. What does the next one know of the campaign, and what makes it look?",
    needs=["test_every_recipient_gets_one_mail"],
)
def test_killed_campaign_goes_on(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """A campaign whose process is killed before the server has taken anything goes on by itself, and loses nobody."""
    with mailbox.closed() as gate:
        where = start(visitor, SOME)
        assert gate.knocked(), "Nobody came to the mail server."
        app.kill()
    app.restart()
    mailbox.expect(len(SOME))
    done(visitor, where)
    assert_all_written_to(mailbox, SOME)


@behaviour(
    points=4,
    hint="Between which two moments is it not known whether a mail was taken, and how many mails are in between?",
    needs=["test_killed_campaign_goes_on"],
    settings={"MAIL_CONNECTIONS": "1"},  # so that the order of the mails is certain, and with it the timeline
)
def test_nobody_counted_is_written_to_again(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """After a crash, nobody is written to again who had been counted, and they are still counted."""
    with mailbox.data_gate.close(let=SERVED) as gate:
        where = start(visitor, SOME)
        assert gate.knocked(), f"No mail came to the mail server after the first {SERVED}."
        counted = visitor.until(where, lambda reply: bool(reply.field("sent", int) == SERVED)).field("sent", int)
        assert counted == SERVED, f"The mail server has acknowledged {SERVED} mails; your app counts {counted}."
        served = {address for mail in mailbox.mails[:SERVED] for address in mail.to}
        app.kill()
    app.restart()
    shown = done(visitor, where)
    assert_all_written_to(mailbox, SOME)
    counts = written_to(mailbox)
    again = sorted(address for address in served if counts[address] > 1)
    assert not again, (
        f"These had been counted before the crash, and were written to again after it: {', '.join(again)}."
    )
    # Whoever never repeats a mail that was on its way may say that it failed: nobody can know.
    told = shown.field("sent", int) + len(shown.field("failed", dict))
    assert told == len(SOME), f"The campaign has {len(SOME)} recipients; after the crash your app tells of {told}."
