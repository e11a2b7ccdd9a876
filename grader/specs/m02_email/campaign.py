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
SERVED = 4
"""So many mails are acknowledged before the crash."""

# RETRY_SECONDS: so many that nobody lives to see them pass, and so many that the other mails are taken meanwhile.
FAR = 60
LONG = 1.0
STUBBORN = 11
"""So often is one recipient put off: more often than those try who give up some time."""


def campaign(recipients: list[str]) -> dict[str, object]:
    """Return the body of a POST."""
    return {"subject": "November", "text": "It rains.", "recipients": recipients}


def start(visitor: Visitor, recipients: list[str]) -> str:
    """Start a campaign, and return the path of its progress."""
    return visitor.post("/campaigns", campaign(recipients)).follow()


def done(visitor: Visitor, where: str) -> Reply:
    """Wait until the campaign is done."""
    reply = visitor.until(where, lambda reply: bool(reply.field("status", str) == "done"))
    assert reply.field("status", str) == "done", f"The campaign never came to be done: {reply.shown()}."
    return reply


def outcomes(reply: Reply, recipients: list[str]) -> int:
    """Count those whose mail was taken, or who are among these recipients and have failed."""
    return int(reply.field("sent", int)) + sum(address in recipients for address in reply.field("failed", dict))


def assert_none_twice(mailbox: Mailbox) -> None:
    """Nobody was sent more than one mail."""
    twice = ", ".join(address for address, times in mailbox.written_to.items() if times > 1)
    assert not twice, f"More than one mail went to {twice}."


def assert_all_written_to(mailbox: Mailbox, recipients: list[str]) -> None:
    """Every one of these has been sent a mail of their own, and nobody else."""
    missing = [address for address in recipients if address not in mailbox.written_to]
    assert not missing, f"These recipients were sent no mail of their own: {', '.join(missing)}."
    others = set(mailbox.written_to) - set(recipients)
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
    assert_none_twice(mailbox)
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
    most = 2 * GRANTED * len(where)
    assert mailbox.connections <= most, (
        f"Two campaigns of 20 mails may open {most} connections in all; your app opened {mailbox.connections}."
    )
    assert_all_written_to(mailbox, MANY)


@behaviour(
    points=3,
    hint="What does the mail server mean by the first digit of its answer, and about whom does it say it?",
    needs=["test_every_recipient_gets_one_mail"],
)
def test_only_what_may_pass_is_tried_again(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """A recipient who is answered 550, or whose mail is answered 554, has failed; only a 451 is tried again."""
    refused, put_off = {SOME[2], SOME[3]}, {SOME[0], SOME[5]}
    mailbox.refuse(SOME[2])
    mailbox.refuse(SOME[3], at="data")
    mailbox.defer(SOME[0], STUBBORN)
    mailbox.defer(SOME[5])
    where = start(visitor, SOME)
    app.patience.until(lambda: mailbox.named.count(SOME[0]) > STUBBORN, idle=2 * LONG)
    shown = done(visitor, where)
    failed = shown.field("failed", dict)
    told = ", ".join(sorted(failed)) or "nobody"
    assert set(failed) == refused, f"Failed have {' and '.join(sorted(refused))}, with a 5xx; your app says {told}."
    assert all(isinstance(words, str) for words in failed.values()), f"There are no words on why they failed: {failed}."
    sent, taken = shown.field("sent", int), len(SOME) - len(refused)
    assert sent == taken, f"{taken} mails were taken; your app counts {sent}."
    assert_all_written_to(mailbox, [address for address in SOME if address not in refused])
    again = {address for address, times in Counter(mailbox.named).items() if times > 1}
    assert again == put_off, f"Only a 451 is worth another attempt; tried again were {', '.join(sorted(again))}."


@behaviour(
    points=3,
    hint="Who is idle for RETRY_SECONDS: the one mail that was put off, or somebody who could carry others meanwhile?",
    needs=["test_every_recipient_gets_one_mail"],
    # One connection: whoever rests on it keeps everybody waiting, whether they begin with the first or with the last.
    settings={"MAIL_CONNECTIONS": "1", "RETRY_SECONDS": str(FAR)},
)
def test_put_off_mail_waits_alone(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """Whoever is put off, or hung up on, is tried again after RETRY_SECONDS (here 60), not before; no other waits."""
    deferred, dropped, others = (SOME[0], SOME[-1]), (SOME[1], SOME[-2]), SOME[2:-2]
    for address in deferred:
        mailbox.defer(address)
    for address in dropped:
        mailbox.drop(address)
    began = mailbox.timeline.now()
    start(visitor, SOME)
    app.patience.until(lambda: mailbox.written_to.keys() >= set(others), idle=0.15)
    waiting = [address for address in others if address not in mailbox.written_to]
    assert not waiting, f"On some the server hung up, some it put off, and these wait as well: {', '.join(waiting)}."
    app.settle()  # whoever tries again at once would do so now
    early = [address for address in (*deferred, *dropped) if mailbox.named.count(address) > 1]
    passed = mailbox.timeline.now() - began
    assert not early or passed > FAR * 900, f"RETRY_SECONDS={FAR}, and {early[0]} was tried again in {passed:.0f} ms."


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
    app.patience.until(lambda: unlucky in mailbox.written_to, idle=0.15)
    assert_all_written_to(mailbox, SOME)
    done(visitor, where)
    assert_none_twice(mailbox)


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


def killed_midway(visitor: Visitor, mailbox: Mailbox, app: App) -> tuple[str, dict[str, str], set[str]]:
    """Kill the process with one mail on its way; the campaign's path, who had failed, who had been sent a mail."""
    with mailbox.data_gate.close(let=SERVED) as gate:
        where = start(visitor, SOME)
        # So patient that whoever is asleep over what was put off, which is another matter, gets here as well.
        assert gate.knocked(2 * LONG), f"No mail came to the mail server after the first {SERVED}."
        told = visitor.until(where, lambda reply: bool(reply.field("sent", int) == SERVED))
        counted = told.field("sent", int)
        assert counted == SERVED, f"The mail server has acknowledged {SERVED} mails; your app counts {counted}."
        served = {address for mail in mailbox.mails[:SERVED] for address in mail.to}
        app.kill()
    return where, told.field("failed", dict), served


@behaviour(
    points=4,
    hint="Between which two moments is it not known whether a mail was taken, and how many mails are in between?",
    needs=["test_killed_campaign_goes_on"],
    # One connection, so that the order of the mails is certain, and with it the timeline.
    settings={"MAIL_CONNECTIONS": "1", "RETRY_SECONDS": str(LONG)},
)
def test_nobody_counted_is_written_to_again(visitor: Visitor, mailbox: Mailbox, app: App) -> None:
    """After a crash, nobody is tried again who had been counted or had failed, and everybody else gets their mail."""
    (put_off, refused), others = SOME[:2], [SOME[0], *SOME[2:]]
    mailbox.defer(put_off)
    mailbox.refuse(refused)
    where, failed, served = killed_midway(visitor, mailbox, app)
    before = Counter(mailbox.named)
    app.restart()
    shown = visitor.until(where, lambda reply: outcomes(reply, others) == len(others), 2 * LONG)
    app.settle()  # whoever tries somebody again who had failed has done so by now
    assert_all_written_to(mailbox, [address for address in others if address not in failed])
    again = sorted(address for address in served | failed.keys() if mailbox.named.count(address) > before[address])
    assert not again, f"Counted or failed before the crash, and tried again after it: {', '.join(again)}."
    # Whoever never repeats a mail that was on its way may say that it failed: nobody can know.
    known = outcomes(shown, others)
    assert known == len(others), (
        f"{len(others)} recipients were not refused; after the crash your app tells of {known}."
    )
    gone = failed.keys() - shown.field("failed", dict).keys()
    assert not gone, f"Named in failed before the crash, and not any more after it: {', '.join(gone)}."
