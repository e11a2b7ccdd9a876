"""An impostor in the mail server's place: found out by whoever looks at certificates."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest

from grader.stage import Patience
from grader.world.listening import listen_on_loopback
from grader.world.loop import Loop
from grader.world.mailbox import Mailbox, Security
from grader.world.timeline import Timeline
from grader.world.tls import AUTHORITY

MAIL = "Subject: Hello\r\n\r\nHello."


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Loop() as loop, listen_on_loopback() as listener:
        part = Mailbox(loop, Timeline(), Patience(list, loop.tick), listener, Security("starttls", "ada", "sesame"))
        yield part
        part.close()


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """What the world tells submissions to trust."""
    return ssl.create_default_context(cafile=str(AUTHORITY))


def send(mailbox: Mailbox, context: ssl.SSLContext) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=5) as client:
        client.starttls(context=context)
        client.login("ada", "sesame")
        client.sendmail("ada@example.com", "bob@example.com", MAIL)


def test_the_server_itself_is_trusted(mailbox: Mailbox, trusting: ssl.SSLContext) -> None:
    send(mailbox, trusting)
    assert mailbox.next().encrypted


def test_an_impostor_is_found_out(mailbox: Mailbox, trusting: ssl.SSLContext) -> None:
    mailbox.impersonate()
    with pytest.raises(ssl.SSLCertVerificationError):
        send(mailbox, trusting)
    assert not mailbox.logins
    assert not mailbox.mails


def test_who_does_not_look_tells_the_impostor_everything(mailbox: Mailbox) -> None:
    mailbox.impersonate()
    send(mailbox, ssl._create_unverified_context())  # noqa: S323 - what smtplib does when it is given none
    assert [login.right for login in mailbox.logins] == [True]
    assert mailbox.next().subject == "Hello"


@pytest.mark.parametrize("reads_along", [True, False])
def test_who_reads_along_asks_for_no_login(mailbox: Mailbox, *, reads_along: bool) -> None:
    if reads_along:
        mailbox.strip_starttls()
    with smtplib.SMTP("127.0.0.1", mailbox.port, timeout=5) as client:
        if reads_along:
            client.sendmail("ada@example.com", "bob@example.com", MAIL)
            assert not mailbox.next().encrypted
        else:
            with pytest.raises(smtplib.SMTPSenderRefused):
                client.sendmail("ada@example.com", "bob@example.com", MAIL)
