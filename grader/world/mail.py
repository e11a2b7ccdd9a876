"""A mail as it was delivered, and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage

UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
"""What the email package raises for messages that are none."""


@dataclass(frozen=True)
class Mail:
    """One message as it was delivered.

    to: the envelope's recipients; encrypted: whether it came over TLS; at: milliseconds on the timeline.
    """

    to: list[str]
    sender: str
    message: EmailMessage = field(repr=False)
    encrypted: bool = False
    at: float = 0.0

    @property
    def subject(self) -> str:
        """The Subject header, decoded; empty when there is none that can be read."""
        try:
            return str(self.message.get("subject", ""))
        except UNREADABLE:
            return ""

    @property
    def title(self) -> str:
        """The subject, cut, for the timeline."""
        return self.subject[:100]

    @property
    def text(self) -> str:
        """The plain text part, decoded; empty when there is none that can be read."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part, decoded; empty when there is none that can be read."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        try:
            part = self.message.get_body((kind,))
            return "" if part is None else str(part.get_content())
        except UNREADABLE:
            return ""
