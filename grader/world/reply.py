"""What came back to the visitor, as a value."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from grader.errors import Unmet
from grader.world.strict import strict_json

Json = Any
SENDABLE = re.compile(r"/[!-~]*")
"""A path that can stand in a request."""
SHOWN = 200
"""Characters of a body that a message or the timeline quotes."""


@dataclass(frozen=True)
class Reply:
    """What came back. A reply that never came is a value too: ``arrived`` is False and ``status`` None.

    A reply has arrived when the last chunk of its body has. ``sent`` counts the bytes of the request's body that
    the app had taken by then.
    """

    request: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""
    sent: int = 0
    at: float = 0.0

    @property
    def arrived(self) -> bool:
        """Whether it came whole."""
        return self.status is not None

    @property
    def succeeded(self) -> bool:
        """Whether it came whole with a status of 200 to 299."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own range

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Json:
        """The body as JSON, read strictly; None when it is not JSON."""
        try:
            return strict_json(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str, kind: type | None = None) -> Json:
        """One field of a JSON object.

        kind: the exact type wanted (``int`` does not accept ``True``). Raises Unmet when it is not so.
        """
        self._insist_on_arrival()
        document = self.json
        if not isinstance(document, dict) or name not in document:
            raise Unmet(f'{self.request}: the reply has no field "{name}" in it: {self.shown()}')
        value = document[name]
        if kind is not None and type(value) is not kind:
            raise Unmet(f'{self.request}: "{name}" should be {KINDS.get(kind, kind.__name__)}: {self.shown()}')
        return value

    def follow(self) -> str:
        """The path that the reply's Location names. Raises Unmet when there is none."""
        self._insist_on_arrival()
        location = self.headers.get("location", "")
        try:
            parts = urlsplit(urljoin(self.request.split(" ", 1)[1], location) if location else "")
        except ValueError:
            parts = urlsplit("")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if not SENDABLE.fullmatch(path):
            raise Unmet(
                f"{self.request}: the reply has no Location header with a path to follow: {cut(location) or 'none'}."
            )
        return path

    def shown(self) -> str:
        """The reply in one line, as what something was answered with."""
        return self.logged() if self.arrived else f"nothing ({self._missing})"

    def logged(self) -> str:
        """The reply in one line, or why there is none."""
        if not self.arrived:
            return self._missing
        document = self.json
        # Written anew, with a space after each comma: it is read in lines of 80 columns.
        body = self.text if document is None else jsonlib.dumps(document, ensure_ascii=False)
        if "\N{REPLACEMENT CHARACTER}" in body:
            body = f"({len(self.body)} bytes, {self.headers.get('content-type', 'of no type')})"
        return f"{self.status} {cut(body) or '(empty)'}"

    @property
    def _missing(self) -> str:
        return self.problem or "no reply came"

    def _insist_on_arrival(self) -> None:
        if not self.arrived:
            raise Unmet(f"{self.request}: {self._missing}.")


KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def cut(text: str) -> str:
    """Shorten a text for quoting."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ... ({len(text)} characters)"
