"""The mail server of the world: a real one, that can also be stuck, refuse, put off, hang up, and ask for a login."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from grader.errors import Unmet
from grader.stage import Patience
from grader.world.gate import Gate
from grader.world.listening import BACKLOG, LOOPBACK, stop_listening
from grader.world.loop import Loop
from grader.world.mail import Mail
from grader.world.smtp import Conversation
from grader.world.timeline import Timeline
from grader.world.tls import changing_context

PATIENCE = 0.15
ROOM = 64 * 1024 * 1024
"""Bytes of mail that are kept; then the server is full: a flood must not fill the grader's memory."""
OVERHEAD = 4096


@dataclass(frozen=True)
class Login:
    """One attempt to log in: the name, whether name and password were right, whether the line was encrypted."""

    user: str
    right: bool
    encrypted: bool


@dataclass(frozen=True)
class Security:
    """What the mail server asks for, as the submission's own settings have it.

    tls: ``none``, ``starttls`` (offered on a plain connection) or ``implicit`` (from the first byte).
    user, password: of the only account; no login is asked for when the user is empty.
    """

    tls: str = "none"
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """Read ``SMTP_TLS``, ``SMTP_USER`` and ``SMTP_PASSWORD``."""
        return cls(settings.get("SMTP_TLS", "none"), settings.get("SMTP_USER", ""), settings.get("SMTP_PASSWORD", ""))


class Mailbox:
    """An SMTP server on loopback, and what it has seen."""

    def __init__(
        self,
        loop: Loop,
        timeline: Timeline,
        patience: Patience,
        listener: socket.socket,
        security: Security | None = None,
    ) -> None:
        self._loop = loop
        self.timeline = timeline
        self._patience = patience
        self._taken = 0
        self.security = security or Security()
        self.refused: set[str] = set()
        self.spurned: set[str] = set()
        self.deferred: Counter[str] = Counter()
        self.dropped: set[str] = set()
        self.held: dict[str, Gate] = {}
        self.named: list[str] = []
        self.starttls_stripped = False
        self.impostor = False
        self.gate = Gate(loop, timeline, patience)
        self.data_gate = Gate(loop, timeline, patience)
        self._room = ROOM
        self.mails: list[Mail] = []
        self.logins: list[Login] = []
        self.connections = 0
        self.open_now = 0
        self.at_once = 0
        self.port: int = listener.getsockname()[1]
        self._server = loop.wait(self._listen(listener))

    def closed(self, at: Literal["greeting", "data"] = "greeting") -> Gate:
        """Close a gate (``with``): until it opens, the server is silent.

        at: ``greeting``: whoever connects is not greeted; ``data``: a mail is taken in and counted, but its
        sender does not learn of it.
        """
        return (self.gate if at == "greeting" else self.data_gate).close()

    def refuse(self, address: str, at: Literal["recipient", "data"] = "recipient") -> None:
        """Refuse this recipient from now on: with 550 when it is named, or with 554 when the mail for it is there."""
        (self.refused if at == "recipient" else self.spurned).add(address)

    def defer(self, address: str, times: int = 1) -> None:
        """Answer 451 to this recipient so many times from now on, and accept it after that."""
        self.deferred[address] = times

    def drop(self, address: str) -> None:
        """Hang up when this recipient is named."""
        self.dropped.add(address)

    def strip_starttls(self) -> None:
        """Stop offering STARTTLS, as somebody on the line who wants to read along would."""
        self.starttls_stripped = True

    def impersonate(self) -> None:
        """Let somebody else answer in the server's name, with a certificate that no authority has signed.

        Upgraded by STARTTLS or encrypted from the first byte: whoever does not look at certificates notices nothing.
        """
        self.impostor = True

    @property
    def disgraced(self) -> bool:
        """Whether credentials came over a line that was not encrypted."""
        return any(not login.encrypted for login in self.logins)

    @property
    def written_to(self) -> Counter[str]:
        """How many mails went to whom; a mail to several counts as one to all of them together."""
        return Counter(", ".join(mail.to) for mail in self.mails)

    def holding(self, address: str) -> Gate:
        """Close a gate (``with``) before this recipient alone: the mail server is slow when it is named."""
        self.held[address] = Gate(self._loop, self.timeline, self._patience)
        return self.held[address].close()

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

    def take_in(self, recipients: list[str], sender: str, content: bytes, *, encrypted: bool) -> bool:
        """Keep one mail that was delivered, and tell whether there was room; called on the world's loop."""
        self._room -= len(content) + OVERHEAD
        if self._room < 0:
            self.timeline.record("mailbox", "452 the mail server is full")
            return False
        message = email.message_from_bytes(content, policy=email.policy.default)
        mail = Mail(recipients, sender, message, encrypted, self.timeline.now())
        self.mails.append(mail)
        self.timeline.record("mailbox", f"mail to {', '.join(recipients)}: {mail.title}")
        return True

    def log_in(self, user: str, password: str, *, encrypted: bool) -> bool:
        """Note an attempt to log in, and tell whether it succeeds; called on the world's loop."""
        right = (user, password) == (self.security.user, self.security.password)
        self.logins.append(Login(user, right, encrypted))
        in_clear = "" if encrypted else " in clear text: anybody on the line has read the password"
        self.timeline.record("mailbox", f"login as {user}{in_clear}")
        return right

    @property
    def environment(self) -> dict[str, str]:
        """What the submission is told."""
        return {"SMTP_HOST": LOOPBACK, "SMTP_PORT": str(self.port)}

    def close(self) -> None:
        """Stop listening, and let everybody through who still waits."""
        for gate in (self.gate, self.data_gate, *self.held.values()):
            gate.open()
        self._loop.wait(self._stop())

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        context = changing_context(lambda: self.impostor) if self.security.tls == "implicit" else None
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Conversation(self), sock=listener, ssl=context, backlog=BACKLOG)

    async def _stop(self) -> None:
        await stop_listening(self._server)
