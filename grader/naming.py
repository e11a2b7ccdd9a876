"""Names as people type them: shortened, misspelt, or as the path of a file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

MOST_SHOWN = 4


def shortened(name: str, known: Sequence[str]) -> list[str]:
    """The known names that a shortened one can stand for; an exact match stands for itself alone.

    name: as typed; ``exercises/`` in front and ``.py`` or ``/`` at the end are taken off.
    known: modules (``m01_x``), exercises (``m01_x/y``) and single words.
    """
    wanted = name.strip().removeprefix("./").removeprefix("exercises/").removesuffix(".py").rstrip("/")
    exact = [one for one in known if wanted in (one, one.rpartition("/")[2])]
    return exact or [one for one in known if wanted and _begins(wanted, one)]


def _begins(wanted: str, one: str) -> bool:
    module, slash, exercise = wanted.partition("/")
    own_module, own_slash, own_exercise = one.partition("/")
    if slash:
        return bool(own_slash) and own_module.startswith(module) and own_exercise.startswith(exercise)
    return (own_exercise if own_slash else own_module).startswith(module)


def near(name: str, known: Sequence[str]) -> list[str]:
    """The known names that look like a wrong one, the nearest first."""
    word = name.strip().rpartition("/")[2].lower() or name.lower()
    last = {one: one.rpartition("/")[2] for one in known}
    holding = [one for one in known if len(word) > 1 and word in last[one].lower()]
    alike = difflib.get_close_matches(word, list(last.values()), n=MOST_SHOWN, cutoff=0.6)
    return (holding + [one for word in alike for one in known if last[one] == word and one not in holding])[:MOST_SHOWN]


def alternatives(names: Sequence[str]) -> str:
    """Several names in a sentence: ``a, b or c``; of many only the first ones."""
    if len(names) > MOST_SHOWN:
        return f"{', '.join(names[:MOST_SHOWN])} or {len(names) - MOST_SHOWN} more"
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
