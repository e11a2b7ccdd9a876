"""The mail server of the world: a real one (aiosmtpd), that can also be stuck, refuse, put off and hang up."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import socket
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from grader.errors import Unmet
from grader.stage import Patience
from grader.world.gate import Gate
from grader.world.loop import Loop
from grader.world.timeline import Timeline

PATIENCE = 0.15
MOST_BYTES = 10 * 1024 * 1024
ROOM = 64 * 1024 * 1024
"""Bytes of mail that are kept; then the server is full: a flood must not fill the grader's memory."""
OVERHEAD = 4096
UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
"""What the email package raises for messages that are none."""
GREETS_AS = "mail.example.com"

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own log is not the student's


@dataclass(frozen=True)
class Mail:
    """One message as it was delivered.

    to: the envelope's recipients; at: milliseconds on the timeline.
    """

    to: list[str]
    sender: str
    message: EmailMessage = field(repr=False)
    at: float = 0.0

    @property
    def subject(self) -> str:
        """The Subject header, decoded; empty when there is none that can be read."""
        try:
            return str(self.message.get("subject", ""))
        except UNREADABLE:
            return ""

    @property
    def text(self) -> str:
        """The plain text part, decoded; empty when there is none that can be read."""
        try:
            part = self.message.get_body(("plain",))
            return "" if part is None else str(part.get_content())
        except UNREADABLE:
            return ""


class Mailbox:
    """An SMTP server on loopback, and what it has seen."""

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience, listener: socket.socket) -> None:
        self._loop = loop
        self._timeline = timeline
        self._patience = patience
        self._taken = 0
        self._refused: set[str] = set()
        self._deferred: set[str] = set()
        self._dropped: set[str] = set()
        self._held: dict[str, Gate] = {}
        self.named: list[str] = []
        self.gate = Gate(loop, patience)
        self._room = ROOM
        self.mails: list[Mail] = []
        self.connections = 0
        self.port: int = listener.getsockname()[1]
        self._server = loop.wait(self._listen(listener))

    def closed(self) -> Gate:
        """Close the gate (``with``): whoever connects gets no greeting until it opens."""
        return self.gate.close()

    def refuse(self, address: str) -> None:
        """Answer 550 to this recipient from now on."""
        self._refused.add(address)

    def defer(self, address: str) -> None:
        """Answer 451 to this recipient the next time, and accept it after that."""
        self._deferred.add(address)

    def drop(self, address: str) -> None:
        """Hang up when this recipient is named."""
        self._dropped.add(address)

    def holding(self, address: str) -> Gate:
        """Close a gate (``with``) before this recipient alone: the mail server is slow when it is named."""
        self._held[address] = Gate(self._loop, self._patience)
        return self._held[address].close()

    def next(self, patience: float = PATIENCE) -> Mail:
        """Wait for the next mail that has not been taken yet. Raises Unmet when none comes."""
        wanted = self._taken + 1
        if not self._patience.until(lambda: len(self.mails) >= wanted, idle=patience):
            raise Unmet(self._patience.exhausted or "No mail arrived.")
        self._taken = wanted
        return self.mails[wanted - 1]

    def expect(self, count: int, patience: float = PATIENCE) -> list[Mail]:
        """Wait until so many mails have arrived in all, and return all. Raises Unmet when they do not come."""
        if not self._patience.until(lambda: len(self.mails) >= count, idle=patience):
            raise Unmet(self._patience.exhausted or f"{len(self.mails)} of {count} mails arrived.")
        return list(self.mails)

    def close(self) -> None:
        """Stop listening."""
        self._loop.wait(self._stop())

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        def protocol() -> _Conversation:
            return _Conversation(self)

        return await asyncio.get_running_loop().create_server(protocol, sock=listener)

    async def _stop(self) -> None:
        self._server.close()

    async def admit(self) -> None:
        """Let one connection in, when the gate is open."""
        self.connections += 1
        waits = "; the mail server keeps it waiting" if self.gate.shut else ""
        self._timeline.record("mailbox", f"your app opened a connection{waits}")
        await self.gate.passage()

    # aiosmtpd calls these by their names: one hook for each SMTP command.

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Begin a mail, when the gate is open: a connection kept from earlier stands before it too."""
        await self.gate.passage()
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept a recipient, or do what the spec asked for."""
        self.named.append(address)
        if address in self._held:
            self._timeline.record("mailbox", f"RCPT TO {address}: the mail server takes its time")
            await self._held[address].passage()
        if address in self._dropped:
            self._timeline.record("mailbox", f"RCPT TO {address}: the mail server hangs up")
            cast("asyncio.Transport", server.transport).abort()
            return "421 hanging up"
        if address in self._refused:
            self._timeline.record("mailbox", f"RCPT TO {address}: 550 no such user")
            return "550 5.1.1 no such user"
        if address in self._deferred:
            self._deferred.discard(address)
            self._timeline.record("mailbox", f"RCPT TO {address}: 451 try again later")
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail in."""
        content = envelope.content or b""
        content = content if isinstance(content, bytes) else content.encode()
        self._room -= len(content) + OVERHEAD
        if self._room < 0:
            self._timeline.record("mailbox", "452 the mail server is full")
            return "452 4.3.1 the mail server is full"
        message = email.message_from_bytes(content, policy=email.policy.default)
        mail = Mail(list(envelope.rcpt_tos), envelope.mail_from or "", message, self._timeline.now())
        self.mails.append(mail)
        self._timeline.record("mailbox", f"mail to {', '.join(mail.to)}: {mail.subject[:100]}")
        return "250 OK"


class _Conversation(SMTP):
    """One connection: aiosmtpd's protocol, with the gate before the greeting."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(mailbox, hostname=GREETS_AS, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, timeout=3600)
        self._mailbox = mailbox

    async def _handle_client(self) -> None:
        await self._mailbox.admit()
        await super()._handle_client()
