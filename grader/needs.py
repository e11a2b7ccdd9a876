"""What a behaviour needs of the world, read off its pytest item."""

from __future__ import annotations

import pytest

from grader.behaviour import ATTRIBUTE, Behaviour
from grader.stand import PARTS, USES_APP, Need


def parts_used(items: list[pytest.Item]) -> frozenset[str]:
    """The parts of the world that any of these behaviours uses."""
    return frozenset(PARTS & {name for item in items for name in _fixtures(item)})


def need_of(item: pytest.Item, parts: frozenset[str]) -> Need:
    """What one behaviour needs; parts: those that its exercise uses."""
    module, test = getattr(item, "module", None), getattr(item, "function", None)
    marker = getattr(test, ATTRIBUTE, None)
    settings = dict(getattr(module, "SETTINGS", {}))
    if isinstance(marker, Behaviour):
        settings |= marker.settings
    everything = (*sorted(parts), *getattr(module, "PARTNERS", ()))
    fixtures = set(_fixtures(item))
    return Need(
        item.name,
        everything,
        tuple(settings.items()),
        app=bool(USES_APP & fixtures),
        workers=tuple(getattr(module, "WORKERS", ())),
        worker="worker" in fixtures,
    )


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", ()))
