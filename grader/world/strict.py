"""JSON as the standard has it."""

from __future__ import annotations

import json
from typing import Any


def strict_json(body: bytes) -> Any:
    """Read JSON as the standard has it: no NaN, no key twice.

    Raises ValueError for everything else.
    """
    return json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    return dict(pairs)
