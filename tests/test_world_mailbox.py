"""The mail server, met by real clients: smtplib and aiosmtplib."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import aiosmtplib
import pytest

from grader.errors import Unmet
from grader.world import Mailbox
from grader.world.listening import LOOPBACK, listen_on_loopback
from tests.world_kit import HASTY, PATIENT, Kit, kit, open_part

ADA, BOB, HELLO = "ada@example.com", "bob@example.org", "hello@example.org"


@pytest.fixture
def world() -> Iterator[Kit]:
    with kit() as world:
        yield world


@pytest.fixture
def mailbox(world: Kit) -> Iterator[Mailbox]:
    with listen_on_loopback() as listener:
        part = Mailbox(world.loop, world.timeline, world.patience, listener)
        with open_part(part) as mailbox:
            yield mailbox


def client(mailbox: Mailbox) -> smtplib.SMTP:
    return smtplib.SMTP(LOOPBACK, mailbox.port, timeout=PATIENT)


def letter(to: str, subject: str = "Welcome", text: str = "Good to have you.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = HELLO, to, subject
    mail.set_content(text)
    return mail


def deliver(mailbox: Mailbox, mail: EmailMessage) -> None:
    with client(mailbox) as server:
        server.send_message(mail)


def test_a_mail_is_kept_with_envelope_subject_and_text(mailbox: Mailbox, world: Kit) -> None:
    deliver(mailbox, letter(ADA, "Grüße", "Schön, dass Sie da sind."))
    mail = mailbox.next()
    assert (mail.to, mail.sender, mail.subject) == ([ADA], HELLO, "Grüße")
    assert mail.text.strip() == "Schön, dass Sie da sind."
    assert f"mail to {ADA}: Grüße" in world.told


def test_the_asynchronous_client_is_served_as_well(mailbox: Mailbox) -> None:
    asyncio.run(aiosmtplib.send(letter(ADA), hostname=LOOPBACK, port=mailbox.port, timeout=PATIENT))
    assert mailbox.next().to == [ADA]


def test_mails_are_taken_in_the_order_of_their_arrival(mailbox: Mailbox) -> None:
    with client(mailbox) as server:
        for address in (ADA, BOB):
            server.send_message(letter(address))
    assert [mail.to for mail in mailbox.expect(2)] == [[ADA], [BOB]]
    assert [mailbox.next().to, mailbox.next().to] == [[ADA], [BOB]]
    with pytest.raises(Unmet, match="No mail arrived"):
        mailbox.next(HASTY)
    with pytest.raises(Unmet, match="2 of 3 mails arrived"):
        mailbox.expect(3, HASTY)


def test_a_refused_recipient_harms_nobody_else(mailbox: Mailbox) -> None:
    mailbox.refuse(BOB)
    with client(mailbox) as server:
        refused = server.sendmail(HELLO, [ADA, BOB], "Subject: x\r\n\r\ny")
    assert refused[BOB][0] == 550
    assert mailbox.next().to == [ADA]


def test_a_deferred_recipient_is_accepted_the_second_time(mailbox: Mailbox) -> None:
    mailbox.defer(ADA)
    with client(mailbox) as server:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            server.send_message(letter(ADA))
        assert refused.value.recipients[ADA][0] == 451
        server.send_message(letter(ADA))
    assert len(mailbox.expect(1)) == 1


def test_a_recipient_may_be_deferred_several_times(mailbox: Mailbox) -> None:
    mailbox.defer(ADA, times=2)
    with client(mailbox) as server:
        for _ in range(2):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                server.send_message(letter(ADA))
        server.send_message(letter(ADA))
    assert mailbox.named == [ADA, ADA, ADA]


def test_a_mail_may_be_refused_when_it_is_there(mailbox: Mailbox) -> None:
    mailbox.refuse(ADA, at="data")
    with client(mailbox) as server:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            server.send_message(letter(ADA))
        server.send_message(letter(BOB))
    assert refused.value.smtp_code == 554
    assert [mail.to for mail in mailbox.mails] == [[BOB]]


def test_a_dropped_recipient_ends_the_conversation(mailbox: Mailbox) -> None:
    mailbox.drop(ADA)
    with client(mailbox) as server, pytest.raises(smtplib.SMTPServerDisconnected):
        server.send_message(letter(ADA))
    deliver(mailbox, letter(BOB))
    assert [mail.to for mail in mailbox.mails] == [[BOB]]
    assert mailbox.connections == 2


def test_a_closed_gate_takes_the_connection_and_greets_nobody(mailbox: Mailbox, world: Kit) -> None:
    with ThreadPoolExecutor(1) as elsewhere, mailbox.closed() as gate:
        sending = elsewhere.submit(deliver, mailbox, letter(ADA))
        assert gate.knocked(PATIENT)
        assert mailbox.mails == []
        assert "your app opened a connection; the mail server keeps it waiting" in world.told
        gate.open()
        sending.result(PATIENT)
    assert mailbox.next().to == [ADA]


def test_a_connection_from_earlier_stands_before_the_closed_gate_too(mailbox: Mailbox) -> None:
    with ThreadPoolExecutor(1) as elsewhere, client(mailbox) as server:
        server.noop()
        with mailbox.closed() as gate:
            sending = elsewhere.submit(server.send_message, letter(ADA))
            assert gate.knocked(PATIENT)
            assert mailbox.mails == []
        sending.result(PATIENT)
    assert mailbox.next().to == [ADA]


@pytest.mark.parametrize("garbage", [b"\0" * 100_000, b"x" * 1_000_000, b"MAIL FROM:<\xff>\r\nRCPT\r\nDATA\r\n.\r\n"])
def test_garbage_is_no_mail_and_harms_nobody(mailbox: Mailbox, garbage: bytes) -> None:
    with socket.create_connection((LOOPBACK, mailbox.port), timeout=PATIENT) as line:
        try:
            line.sendall(garbage)
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass
        except OSError:
            pass  # it hung up, as it may
    deliver(mailbox, letter(ADA))
    assert [mail.to for mail in mailbox.mails] == [[ADA]]


CHARSET = "Content-Type: text/plain; charset="


@pytest.mark.parametrize("headers", [CHARSET + "klingon", CHARSET + "\x01[", "Subject: =?x?q?="])
def test_a_mail_that_cannot_be_read_has_no_text_and_breaks_nothing(mailbox: Mailbox, headers: str) -> None:
    with client(mailbox) as server:
        server.sendmail(HELLO, [ADA], f"{headers}\r\nMIME-Version: 1.0\r\n\r\nHello")
    mail = mailbox.next()
    assert mail.text.strip() in ("", "Hello")
    assert isinstance(mail.subject, str)


def test_a_flood_ends_at_a_full_server(mailbox: Mailbox, world: Kit) -> None:
    mailbox._room = 10_000
    with client(mailbox) as server:
        server.send_message(letter(ADA))
        with pytest.raises(smtplib.SMTPDataError) as full:
            server.sendmail(HELLO, [ADA], "Subject: x\r\n\r\n" + "spam\r\n" * 2000)
    assert full.value.smtp_code == 452
    assert len(mailbox.mails) == 1
    assert "452 the mail server is full" in world.told
