"""An impostor in the mail server's place: found out by whoever looks at certificates."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grader.stage import Patience
from grader.world.listening import listen_on_loopback
from grader.world.loop import Loop
from grader.world.mailbox import Mailbox, Security
from grader.world.timeline import Timeline
from grader.world.tls import AUTHORITY

MAIL = "Subject: Hello\r\n\r\nHello."


@contextmanager
def open_mailbox(tls: str) -> Iterator[Mailbox]:
    with Loop() as loop, listen_on_loopback() as listener:
        part = Mailbox(loop, Timeline(), Patience(list, loop.tick), listener, Security(tls, "ada", "sesame"))
        yield part
        part.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox("starttls") as part:
        yield part


@pytest.fixture(params=["starttls", "implicit"])
def either(request: pytest.FixtureRequest) -> Iterator[Mailbox]:
    """Upgraded by STARTTLS, or encrypted from the first byte."""
    with open_mailbox(request.param) as part:
        yield part


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """What the world tells submissions to trust."""
    return ssl.create_default_context(cafile=str(AUTHORITY))


def send(mailbox: Mailbox, context: ssl.SSLContext) -> None:
    if mailbox.security.tls == "implicit":
        line: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", mailbox.port, timeout=5, context=context)
    else:
        line = smtplib.SMTP("127.0.0.1", mailbox.port, timeout=5)
    with line as client:
        if mailbox.security.tls == "starttls":
            client.starttls(context=context)
        client.login("ada", "sesame")
        client.sendmail("ada@example.com", "bob@example.com", MAIL)


def test_the_server_itself_is_trusted(either: Mailbox, trusting: ssl.SSLContext) -> None:
    send(either, trusting)
    assert either.next().encrypted


def test_an_impostor_is_found_out(either: Mailbox, trusting: ssl.SSLContext) -> None:
    either.impersonate()
    with pytest.raises(ssl.SSLCertVerificationError):
        send(either, trusting)
    assert not either.logins
    assert not either.mails


def test_who_does_not_look_tells_the_impostor_everything(either: Mailbox) -> None:
    either.impersonate()
    send(either, ssl._create_unverified_context())  # noqa: S323 - what smtplib does when it is given none
    assert [login.right for login in either.logins] == [True]
    assert either.next().subject == "Hello"


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
