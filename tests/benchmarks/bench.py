"""The figures of the grader, measured here and now: ``python -m tests.benchmarks.bench [EXERCISE|MODULE...]``.

Printed, never asserted. Run it on a machine that is otherwise idle; every figure is a median, in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.classroom.batch import Work, graded
from grader.course import Exercise, load
from grader.run import Grader
from grader.stage import Source
from grader.stand import Need, Stand
from grader.world import World

ROUNDS = 21
COLD_ROUNDS = 5
GRADER = Path(sys.executable).with_name("grader")
TRIVIAL_TEST = """
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()


@app.get("/")
def root() -> dict[str, bool]:
    return {"ok": True}


def test_root() -> None:
    assert TestClient(app).get("/").json() == {"ok": True}
"""


@dataclass(frozen=True)
class Figure:
    """What was measured, its value, and what was wanted; milliseconds both."""

    what: str
    value: float
    wanted: float | None = None

    @property
    def verdict(self) -> str:
        """Met, or missed by how much."""
        if self.wanted is None:
            return ""
        return "met" if self.value <= self.wanted else f"missed by {self.value - self.wanted:.0f} ms"


def median(measure: Callable[[], float], rounds: int = ROUNDS) -> float:
    """Call a measurement again and again; its median."""
    return statistics.median(measure() for _ in range(rounds))


def elapsed(action: Callable[[], object]) -> float:
    """How long an action takes, in milliseconds."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def warm_solutions(grader: Grader, exercises: Iterable[Exercise]) -> Iterable[Figure]:
    """From a file to its verdict, with the zygote up."""
    for exercise in exercises:
        grader.grade(exercise, exercise.solution)
        value = median(lambda exercise=exercise: grader.grade(exercise, exercise.solution).duration)  # type: ignore[misc]
        yield Figure(f"warm  {exercise.name}, solution", value, 80)


def warm_mutants(grader: Grader, exercises: Iterable[Exercise]) -> Iterable[Figure]:
    """The same for the wrong ones: the median over an exercise's mutants, and the slowest."""
    for exercise in exercises:
        durations = [median(lambda p=path: grader.grade(exercise, p).duration, 3) for path in exercise.mutants]  # type: ignore[misc]  # noqa: B023
        if durations:
            yield Figure(f"warm  {exercise.name}, {len(durations)} mutants, median", statistics.median(durations))
            yield Figure(f"warm  {exercise.name}, slowest mutant", max(durations))


def first_answer(grader: Grader, exercise: Exercise) -> Figure:
    """From asking for a process to its first HTTP answer."""
    folder = Path(tempfile.mkdtemp(dir=grader.zygote.root))
    stand = Stand(
        Source.read(exercise.solution), exercise.name, grader.zygote, grader.loop, grader.servers, folder / "bench"
    )

    def measure() -> float:
        world = stand.take(Need("bench", ("mailbox",), (), app=False))
        try:
            return elapsed(lambda: _ask(world))
        finally:
            world.close()

    value = median(measure)
    stand.close()
    return Figure("spawn to first HTTP answer", value, 30)


def cold(exercise: Exercise) -> Iterable[Figure]:
    """A command line typed on a machine where nothing is up, beside a plain pytest run of one trivial test."""
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder) / "test_trivial.py"
        test.write_text(TRIVIAL_TEST, encoding="utf-8")
        plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
        check = [str(GRADER), "check", exercise.id, "--solutions"]
        peer = median(lambda: elapsed(lambda: _quietly(plain, folder)), COLD_ROUNDS)
        own = median(lambda: elapsed(lambda: _quietly(check, folder)), COLD_ROUNDS)
    yield Figure("cold  python -m pytest, one trivial FastAPI test", peer)
    yield Figure(f"cold  grader check {exercise.name}", own, 1.5 * peer)


def all_solutions(exercises: Sequence[Exercise]) -> Figure:
    """Their solutions, two at a time, when the workers are warm: the mean of three rounds."""
    works = [Work(exercise, exercise.solution) for exercise in exercises]
    rounds = 3
    warm_up = 2 * len(works)
    arrivals = [time.perf_counter() for _ in graded(works * (2 + rounds), 2)]
    value = (arrivals[-1] - arrivals[warm_up - 1]) * 1000 / rounds
    return Figure(f"all {len(works)} solutions with two jobs", value, 3000)


def _ask(world: World) -> None:
    world.launch()
    world.visitor.start("GET", "/nothing").reply(1.0)


def _quietly(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _told(figures: Iterable[Figure], console: Console) -> Iterable[Figure]:
    """The same figures, each printed as soon as it is there: all of them take minutes."""
    for figure in figures:
        console.print(f"{figure.what}: {figure.value:.0f} ms", style="dim", highlight=False)
        yield figure


def _table(figures: Iterable[Figure]) -> Table:
    table = Table("figure", "ms", "wanted", "")
    for figure in figures:
        wanted = "" if figure.wanted is None else f"{figure.wanted:.0f}"
        table.add_row(figure.what, f"{figure.value:.0f}", wanted, figure.verdict)
    return table


def _measured(exercises: Sequence[Exercise], *, mutants: bool) -> Iterable[Figure]:
    first = exercises[0]
    yield from cold(first)
    with Grader() as grader:
        yield first_answer(grader, first)
        yield from warm_solutions(grader, exercises)
        if mutants:
            yield from warm_mutants(grader, exercises)
    yield all_solutions(exercises)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", default=["all"], metavar="EXERCISE")
    parser.add_argument("--no-mutants", action="store_true", help="leave the wrong ones out, which take minutes")
    asked = parser.parse_args()
    course = load()
    exercises = list(dict.fromkeys(one for name in asked.exercises for one in course.find(name)))
    console = Console()
    figures = list(_told(_measured(exercises, mutants=not asked.no_mutants), console))
    console.print(_table(figures))


if __name__ == "__main__":
    main()
