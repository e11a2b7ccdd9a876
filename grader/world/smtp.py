"""One conversation with the mail server: aiosmtpd's protocol, and what the world makes of each command."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from grader.world.tls import impostor_context, server_context

if TYPE_CHECKING:
    from grader.world.mailbox import Mailbox

MOST_BYTES = 10 * 1024 * 1024
GREETS_AS = "mail.example.com"

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own log is not the student's


class Conversation(SMTP):
    """One connection. aiosmtpd calls the hooks by their names, one for each SMTP command."""

    def __init__(self, mailbox: Mailbox) -> None:
        offers_tls = mailbox.security.tls == "starttls" and not mailbox.starttls_stripped
        context = impostor_context if mailbox.impostor else server_context
        super().__init__(
            _Hooks(mailbox),
            hostname=GREETS_AS,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            timeout=3600,
            tls_context=context() if offers_tls else None,
            auth_require_tls=False,  # whoever sends a password in clear text shall be seen doing it
            authenticator=self._authenticate_user,
            auth_exclude_mechanism=[] if mailbox.security.user else ["LOGIN", "PLAIN"],
        )
        self._mailbox = mailbox
        self._counted = False

    async def _handle_client(self) -> None:
        mailbox = self._mailbox
        mailbox.connections += 1
        mailbox.open_now += 1
        mailbox.at_once = max(mailbox.at_once, mailbox.open_now)
        self._counted = True
        waits = "; the mail server keeps it waiting" if mailbox.gate.shut else ""
        whom = " to an impostor" if mailbox.impostor else ""
        mailbox.timeline.record("mailbox", f"your app opened a connection{whom}{waits}")
        await mailbox.gate.passage()
        await super()._handle_client()

    def eof_received(self) -> bool:
        """Close the connection when the other side has; aiosmtpd would leave it half open for ever."""
        super().eof_received()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Count it as closed, once: an upgrade to TLS loses the plain one, too."""
        if self._counted:
            self._counted = False
            self._mailbox.open_now -= 1
        super().connection_lost(error)

    def _authenticate_user(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False)
        user, password = data.login.decode("utf-8", "replace"), data.password.decode("utf-8", "replace")
        return AuthResult(success=self._mailbox.log_in(user, password, encrypted=is_encrypted(self, session)))


def is_encrypted(server: SMTP, session: Session) -> bool:
    """Whether the connection runs over TLS by now, by STARTTLS or from its first byte."""
    transport = server.transport
    return session.ssl is not None or (transport is not None and transport.get_extra_info("ssl_object") is not None)


class _Hooks:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Begin a mail, when the gate is open: a connection kept from earlier stands before it too."""
        await self._mailbox.gate.passage()
        # Whoever only reads along takes any mail: the less is asked for, the more is told.
        reads_along = self._mailbox.starttls_stripped or self._mailbox.impostor
        if self._mailbox.security.user and not session.authenticated and not reads_along:
            return "530 5.7.0 authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, or do what the spec asked for."""
        mailbox = self._mailbox
        mailbox.named.append(address)
        if address in mailbox.held:
            mailbox.timeline.record("mailbox", f"RCPT TO {address}: the mail server takes its time")
            await mailbox.held[address].passage()
        if address in mailbox.dropped:
            mailbox.timeline.record("mailbox", f"RCPT TO {address}: the mail server hangs up")
            cast("asyncio.Transport", server.transport).abort()
            return "421 hanging up"
        if address in mailbox.refused:
            mailbox.timeline.record("mailbox", f"RCPT TO {address}: 550 no such user")
            return "550 5.1.1 no such user"
        if mailbox.deferred[address]:
            mailbox.deferred[address] -= 1
            mailbox.timeline.record("mailbox", f"RCPT TO {address}: 451 try again later")
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail in; say so when the gate is open."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        encrypted = is_encrypted(server, session)
        if spurned := self._mailbox.spurned.intersection(envelope.rcpt_tos):
            self._mailbox.timeline.record("mailbox", f"mail to {', '.join(sorted(spurned))}: 554 not this mail")
            return "554 5.7.1 not this mail"
        if not self._mailbox.take_in(list(envelope.rcpt_tos), envelope.mail_from or "", raw, encrypted=encrypted):
            return "452 4.3.1 the mail server is full"
        await self._mailbox.data_gate.passage()
        return "250 OK"
