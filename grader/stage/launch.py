"""What it takes to start a process of a submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Launch:
    """All that it takes to start a process of a submission, once or again.

    role: ``serve`` or ``call``; options: what the role needs besides, as JSON.
    """

    role: str
    module: str
    file: Path
    cwd: Path
    environment: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_request(self) -> dict[str, Any]:
        """Say it in the zygote's words."""
        return {
            "role": self.role,
            "module": self.module,
            "file": str(self.file),
            "cwd": str(self.cwd),
            "environment": dict(self.environment),
            **self.options,
        }
