"""Named semaphores: files in memory that outlive whoever made them and was killed, as a pool's are.

``multiprocessing``, and Celery's fork of it, name them by a prefix and by chance. With a prefix of the stage's own they
can be told from other people's, and be removed.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux keeps them; elsewhere they are no files
MAKERS = ("multiprocessing.process", "billiard.process")


def name_after(stage: Path) -> None:
    """Have this process, and all that it forks or spawns, name its semaphores after the stage's folder."""
    for maker in MAKERS:
        if maker in sys.modules:
            # There is no public way; the prefix travels in this mapping also to processes that are spawned.
            sys.modules[maker].current_process()._config["semprefix"] = f"/{stage.name}"  # noqa: SLF001


def remove(stage: Path) -> None:
    """Remove what processes that are dead by now have left."""
    for left in FOLDER.glob(f"sem.{stage.name}-*"):
        with contextlib.suppress(OSError):
            left.unlink()
