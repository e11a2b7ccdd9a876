"""The pytest plugin that gives specs their fixtures and turns test outcomes into verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest

from grader.errors import NotStarted, StageLost
from grader.messages import MOST_MESSAGE, message_of, place_of, refusal
from grader.needs import need_of, parts_used
from grader.outcome import Outcome, result_of
from grader.report.verdict import BehaviourResult, Verdict
from grader.spec import SpecBehaviour
from grader.stage import App
from grader.stand import Need, Stand
from grader.world import Visitor, World

LOST = "The process that had started your program was killed: does your program kill processes that are not its own?"


class Blocked(Exception):
    """A behaviour is not tried, because one that it needs did not pass, or nothing could be started."""


class Judge:
    """Collects what became of each behaviour of one submission."""

    def __init__(
        self,
        stand: Stand,
        behaviours: Sequence[SpecBehaviour],
        only: Sequence[str],
        on_result: Callable[[BehaviourResult], None],
    ) -> None:
        self._stand = stand
        self._behaviours = {behaviour.name: behaviour for behaviour in behaviours}
        self._only = set(only)
        self._on_result = on_result
        self._worlds: dict[str, World] = {}
        self._needs: dict[str, Need] = {}
        self._begun: set[str] = set()
        self._outcomes: dict[str, Outcome] = {}
        self._untaken: dict[str, Exception] = {}
        self._came_up = False
        self.lost = False
        self.leaving: SystemExit | None = None
        self.problem = ""
        self.results: dict[str, BehaviourResult] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what was asked for; note what each behaviour needs; start the first one's process."""
        parts = parts_used(items)  # those of the whole exercise, also when only some of its behaviours are wanted
        items[:] = [item for item in items if item.name in self._behaviours and self._wanted(item.name)]
        self._needs = {item.name: need_of(item, parts) for item in items}
        self._prepare()

    @property
    def needs(self) -> list[Need]:
        """What the behaviours turned out to need, in order."""
        return list(self._needs.values())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Judge one behaviour, while the processes of the next ones start."""
        began = time.monotonic()
        self._begun.add(item.name)
        world = self._take(item.name)
        if world is not None:
            self._prepare(besides=1)
        try:
            return (yield)
        finally:
            result = self._result(item.name, world, (time.monotonic() - began) * 1000)
            self.results[item.name] = result
            self._on_result(result)
            if world is not None:
                self._stand.give_back(world)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Block what need not be tried."""
        if untaken := self._untaken.get(item.name):
            raise untaken
        if reason := self._why_blocked(item.name):
            raise Blocked(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Turn the outcome of a phase into a verdict: passed only when the call itself ended well."""
        if call.excinfo is not None and isinstance(call.excinfo.value, SystemExit):
            self._leave(call.excinfo.value, item.session)
        elif call.excinfo is not None:
            self._outcomes[item.name] = self._judge(call.excinfo.value, call.when)
        elif call.when == "call":
            self._outcomes.setdefault(item.name, Outcome(Verdict.PASSED))
        return (yield)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that somebody wants this process to end, when that came between two behaviours."""
        if isinstance(excinfo.value, SystemExit):
            self.leaving = excinfo.value

    @pytest.fixture
    def world(self, request: pytest.FixtureRequest) -> World:
        """All of the outside world."""
        return self._worlds[request.node.name]

    @pytest.fixture
    def app(self, world: World) -> App:
        """The submission's process, listening."""
        started = world.app
        self._prepare()  # not before: they would compete for the processors with the one that is waited for
        self._came_up = True
        return started

    @pytest.fixture
    def visitor(self, world: World, app: App) -> Visitor:
        """An HTTP client of the submission's."""
        del app  # it only has to be up
        return world.visitor

    @pytest.fixture
    def worker(self, world: World) -> App:
        """The first of the exercise's own workers; all of them take jobs."""
        usual = world.workers.usual
        self._prepare()
        return usual[0]

    @pytest.fixture
    def mailbox(self, world: World) -> object:
        """The mail server."""
        return world.mailbox

    @pytest.fixture
    def printer(self, world: World) -> object:
        """The label printer."""
        return world.printer

    @pytest.fixture
    def payments(self, world: World) -> object:
        """The payment provider."""
        return world.payments

    @pytest.fixture
    def redis(self, world: World) -> object:
        """The Redis server."""
        return world.redis

    def _wanted(self, name: str) -> bool:
        return not self._only or name in self._only

    def _prepare(self, besides: int = 0) -> None:
        coming = [need for name, need in self._needs.items() if name not in self._begun and not self._why_blocked(name)]
        self._stand.prepare(coming, besides=besides)

    def _leave(self, wish: SystemExit, session: pytest.Session) -> None:
        """Somebody wants this process to end (SIGTERM): that is no verdict, and nothing more is tried."""
        self.leaving = wish
        session.shouldstop = "the grader is to end"

    def _take(self, name: str) -> World | None:
        """The world for a behaviour; why there is none is told in its set-up, where pytest can report it."""
        if self._why_blocked(name):
            self._stand.leave(self._needs[name])
            return None
        try:
            self._worlds[name] = self._stand.take(self._needs[name])
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this submission only
            self._untaken[name] = error
        return self._worlds.get(name)

    def _why_blocked(self, name: str) -> str:
        if self.problem:
            return self.problem
        for need in self._behaviours[name].needs:
            if need in self._outcomes and self._outcomes[need].verdict is not Verdict.PASSED:
                return f"It needs this first: {self._behaviours[need].sentence}"
        return ""

    def _judge(self, error: BaseException, phase: str) -> Outcome:
        if isinstance(error, Blocked):
            return Outcome(Verdict.BLOCKED, str(error))
        if isinstance(error, StageLost) or self._stand.lost:
            self.lost, self.problem = True, LOST
            return Outcome(Verdict.BLOCKED, LOST)
        if isinstance(error, NotStarted) and phase == "setup":
            if not self._came_up:
                self.problem = str(error)
            return Outcome(Verdict.BLOCKED, str(error))
        if isinstance(error, AssertionError | NotStarted):
            return Outcome(Verdict.FAILED, message_of(error))
        if refused := refusal(error):
            return Outcome(Verdict.FAILED, refused)
        fault = f"The grader itself failed: {type(error).__name__}: {error}{place_of(error)}"
        return Outcome(Verdict.ERROR, fault[:MOST_MESSAGE])

    def _result(self, name: str, world: World | None, duration: float) -> BehaviourResult:
        said = self._behaviours[name]
        missing = Outcome(Verdict.ERROR, "The grader itself failed: the behaviour was never judged.")
        outcome = self._outcomes.get(name, missing)
        return result_of(said, outcome, world, duration)
