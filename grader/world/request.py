"""What the visitor sends, as a value."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from grader.world.reply import Json, cut

BOUNDARY = "the-end-of-one-part-of-a-form"
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Request:
    """One request.

    chunks: the body, made while it is sent, so that it may be larger than anybody's memory.
    length: the body's bytes, as the Content-Length tells; None sends it chunked, and its length is told nowhere.
    shown: what the timeline says of the body.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] = ()
    length: int | None = 0
    shown: str = ""

    @property
    def title(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @classmethod
    def with_json(cls, method: str, path: str, json: Json, headers: Mapping[str, str] | None) -> Self:
        """Make a request whose body is JSON; None means no body."""
        if json is None:
            return cls(method, path, dict(headers or {}))
        body = jsonlib.dumps(json).encode()
        fields = {"content-type": "application/json", **(headers or {})}
        return cls(method, path, fields, (body,), len(body), cut(jsonlib.dumps(json, ensure_ascii=False)))

    @classmethod
    def with_bytes(cls, method: str, path: str, content: bytes, headers: Mapping[str, str] | None) -> Self:
        """Make a request whose body is these bytes."""
        chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
        return cls(method, path, dict(headers or {}), chunks, len(content), f"({len(content)} bytes)")

    @classmethod
    def with_file(
        cls, path: str, name: str, content: bytes, kind: str, part: str, headers: Mapping[str, str] | None
    ) -> Self:
        """Make a POST of a form with one file in it, as a browser does.

        name: what the browser says the file is called; kind: its media type; part: the form field's name.
        """
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part}"; filename="{quoted}"\r\n'
        body = head.encode() + f"Content-Type: {kind}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        fields = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})}
        made = cls.with_bytes("POST", path, body, fields)
        return cls(
            made.method, path, made.headers, made.chunks, made.length, f"{name!r} ({len(content)} bytes, {kind})"
        )
