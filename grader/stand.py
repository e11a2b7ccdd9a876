"""Makes a world for each behaviour, one ahead: while one is judged, the next one's process is already starting."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from grader.stage import Allowance, Source, Zygote
from grader.stage.folder import laying_out
from grader.world import Loop, Plan, World
from grader.world.parts import MAKERS
from grader.world.redis_servers import Servers

USES_APP = frozenset({"app", "visitor"})
PARTS = frozenset(MAKERS)


AHEAD = 2
"""How many worlds are made ahead: a behaviour is often judged sooner than a process has started."""


@dataclass(frozen=True)
class Need:
    """What one behaviour needs.

    key: the behaviour's name; parts: the world's parts that its exercise uses, partners included;
    app: whether a process is wanted ahead; workers: those of the exercise; worker: whether they are wanted ahead.
    """

    key: str
    parts: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    app: bool
    workers: tuple[tuple[str, ...], ...] = ()
    worker: bool = False

    @property
    def ahead(self) -> bool:
        """Whether anything is gained by making its world ahead."""
        return self.app or self.worker


class Stand:
    """Where one submission is judged: its source in a folder of its own, and a fresh world per behaviour."""

    def __init__(self, source: Source, module: str, zygote: Zygote, loop: Loop, servers: Servers, folder: Path) -> None:
        self._zygote = zygote
        self._loop = loop
        self._servers = servers
        self._module = module
        self._folder = folder
        self._numbers = itertools.count(1)
        self._allowance = Allowance()
        self._ahead: dict[str, Future[World]] = {}
        self._closing: list[Future[None]] = []
        self._pool = ThreadPoolExecutor(AHEAD + 1, thread_name_prefix="stand")
        self._source = source
        self._laying_out = threading.Lock()
        self.file = folder / "code" / f"{module}.py"

    @property
    def lost(self) -> bool:
        """Whether the stage has gone, and the submission's processes with it."""
        return self._zygote.lost

    def prepare(self, coming: Sequence[Need], *, besides: int = 0) -> None:
        """Begin to make the next worlds, as many as pay, without waiting for them.

        coming: what the next behaviours need, in order; besides: how many processes are being started already.
        """
        # A world that is made early would keep the only Redis to itself.
        most = 0 if self._servers.single else AHEAD - besides
        for need in [need for need in coming if need.ahead][:most]:
            self._begin(need)

    def take(self, need: Need) -> World:
        """The world for a behaviour; its clock starts now."""
        self._begin(need)
        world = self._ahead.pop(need.key).result()
        world.timeline.restart_clock()
        return world

    def leave(self, need: Need) -> None:
        """Begin to end a world that was made ahead and is not wanted any more: another one may wait for its Redis."""
        if (ahead := self._ahead.pop(need.key, None)) is not None:
            self._closing.append(self._pool.submit(_close_made, ahead))

    def give_back(self, world: World) -> None:
        """Begin to end a world, without waiting for it: worlds share nothing."""
        self._closing.append(self._pool.submit(world.close))

    def close(self) -> None:
        """End the worlds that were made and never taken, and all that the submission left behind.

        Raises StageError when the stage was lost in the meantime.
        """
        for ahead in self._ahead.values():
            self._closing.append(self._pool.submit(_close_made, ahead))
        self._pool.shutdown(wait=True)
        self._zygote.reset()
        for closing in self._closing:
            closing.result()

    def _begin(self, need: Need) -> None:
        if need.key not in self._ahead:
            self._ahead[need.key] = self._pool.submit(self._make, need)

    def _make(self, need: Need) -> World:
        folder = self._folder / str(next(self._numbers))
        self._lay_out()
        plan = Plan(self._module, self.file, folder, need.parts, dict(need.settings), need.workers)
        world = World(plan, self._zygote, self._loop, self._servers, allowance=self._allowance)
        try:
            if need.app:
                world.launch()
            if need.worker:
                world.workers.launch_usual()
        except BaseException:
            world.close()
            raise
        return world

    def _lay_out(self) -> None:
        """Put the source in its place, also when a submission has rewritten or deleted its own.

        At one stroke: a process that was started a moment ago may be reading it.
        """
        with self._laying_out:
            with contextlib.suppress(OSError):
                if self.file.read_bytes() == self._source.content:
                    return
            with laying_out():
                self.file.parent.mkdir(parents=True, exist_ok=True)
                fresh = self.file.with_suffix(".new")
                fresh.write_bytes(self._source.content)
                fresh.replace(self.file)


def _close_made(ahead: Future[World]) -> None:
    if ahead.exception() is None:
        ahead.result().close()
