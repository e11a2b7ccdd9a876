"""What it takes to start a process of a submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """How a clock is set: what it shows now, in seconds since 1970, and the IANA name of its zone."""

    instant: float
    zone: str


@dataclass(frozen=True)
class Launch:
    """All that it takes to start a process of a submission, once or again.

    role: one of ``roles.ROLES``; options: what the role needs besides, as JSON; who: what people call the process;
    clock: its clock on the wall, asked for at each start, unless that is the real one.
    """

    role: str
    module: str
    file: Path
    cwd: Path
    environment: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    who: str = "app"
    clock: Callable[[], Setting | None] = lambda: None

    def as_request(self) -> dict[str, Any]:
        """Say it in the zygote's words."""
        return {
            "role": self.role,
            "module": self.module,
            "file": str(self.file),
            "cwd": str(self.cwd),
            "environment": dict(self.environment),
            "clock": self.clock(),
            **self.options,
        }
