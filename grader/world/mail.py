"""A mail as it was delivered, and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage


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
        """The Subject header, decoded."""
        return str(self.message.get("subject", ""))

    @property
    def title(self) -> str:
        """The subject for the timeline, cut, or what stands in for one that cannot be read."""
        try:
            return self.subject[:100]
        except (LookupError, ValueError, IndexError, AttributeError):
            return "(a subject that cannot be read)"

    @property
    def text(self) -> str:
        """The plain text part, decoded; empty when there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part, decoded; empty when there is none."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        if part is None:
            return ""
        try:
            return str(part.get_content())
        except (LookupError, ValueError):
            return ""
