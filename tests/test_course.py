"""The repository proves itself: every exercise is complete, and its spec tells right from wrong."""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

import pytest

from grader.course import Course, Exercise, behaviours, load
from grader.run import Grader
from tests import hints, kill_table
from tests.promise import Promise, statements
from tests.proof import Case, Declaration, all_cases, cases, proven

COURSE = load()
CASES = all_cases(COURSE)
FEWEST_MUTANTS, FEWEST_ALTERNATIVES = 5, 3
FEWEST_BEHAVIOURS, MOST_BEHAVIOURS = 3, 9
FEWEST_STATEMENTS, MOST_STATEMENTS = 15, 60
KEPT = 0.6

each_exercise = pytest.mark.parametrize("exercise", COURSE.exercises, ids=lambda exercise: exercise.id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_file_is_graded_as_declared(case: Case, warm_grader: Grader) -> None:
    """Solutions and alternatives earn full marks, starters run and are unsolved, mutants fail what they name."""
    assert proven(case, warm_grader.grade) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "modules/*/*.md",
        "exercises/*/*.py",
        "solutions/*/*.py",
        "grader/specs/*/*.py",
        "tests/mutants/*/*/",
        "tests/alternatives/*/*/",
    ],
)
def test_every_tree_holds_the_same_exercises(pattern: str) -> None:
    paths = [path for path in COURSE.root.glob(pattern) if path.stem not in ("README", "__init__", "__pycache__")]
    assert {f"{path.parent.name}/{path.stem}" for path in paths} == {exercise.id for exercise in COURSE.exercises}


@each_exercise
def test_starter_and_solution_make_the_same_promise(exercise: Exercise) -> None:
    """The task, the routes, the public names and fields, and what functions take, but for what is handed in."""
    assert Promise.read(exercise.starter).broken_by(Promise.read(exercise.solution)) == []


@each_exercise
def test_the_solution_is_the_starter_with_a_change(exercise: Exercise) -> None:
    starter, solution = (path.read_text(encoding="utf-8").split("\n") for path in (exercise.starter, exercise.solution))
    kept = sum(
        block.size for block in difflib.SequenceMatcher(None, starter, solution, autojunk=False).get_matching_blocks()
    )
    assert starter != solution
    assert kept >= KEPT * len(solution), f"only {kept} of the solution's {len(solution)} lines stand in the starter"


@each_exercise
def test_starter_and_solution_are_short(exercise: Exercise) -> None:
    """Counted are the lines that begin a statement, without imports and docstrings."""
    for path in (exercise.starter, exercise.solution):
        assert FEWEST_STATEMENTS <= statements(path) <= MOST_STATEMENTS, path


@each_exercise
def test_there_are_enough_mutants_and_alternatives(exercise: Exercise) -> None:
    assert len(exercise.mutants) >= FEWEST_MUTANTS
    assert len(exercise.alternatives) >= FEWEST_ALTERNATIVES


@each_exercise
def test_no_two_files_hold_the_same_code(exercise: Exercise) -> None:
    """But a mutant may keep what the starter was, which students change."""
    seen: dict[str, Path] = {}
    for case in (case for case in cases(exercise) if case.kind != "starter"):
        other = seen.setdefault(_code(case.path), case.path)
        assert other == case.path, f"{case.path.name} and {other.name} are the same"


@each_exercise
def test_a_mutant_declares_its_mistake_and_what_fails_it(exercise: Exercise) -> None:
    known = {behaviour.name for behaviour in behaviours(exercise)}
    beliefs = kill_table.catalogue()
    for path in exercise.mutants:
        declared = Declaration.read(path)
        assert "\n" not in declared.sentence, path
        assert declared.mistake in beliefs, f"{path}: {declared.mistake} is not in {kill_table.CATALOGUE.name}"
        assert set(declared.fails) <= known, path
        assert len(set(declared.fails)) == len(declared.fails), path


@each_exercise
def test_every_behaviour_is_failed_by_a_mutant(exercise: Exercise) -> None:
    killers = {name for path in exercise.mutants for name in Declaration.read(path).fails}
    assert {behaviour.name for behaviour in behaviours(exercise)} == killers


@each_exercise
def test_behaviours_are_few_and_each_is_one_sentence(exercise: Exercise) -> None:
    found = behaviours(exercise)  # raises CourseError when sentence, points or hint are missing
    assert FEWEST_BEHAVIOURS <= len(found) <= MOST_BEHAVIOURS
    for behaviour in found:
        assert re.fullmatch(r"[A-Z].*\.", behaviour.sentence), behaviour.sentence
    assert len({behaviour.hint for behaviour in found}) == len(found), "two hints are the same"


@each_exercise
def test_hints_give_no_code_away(exercise: Exercise) -> None:
    starter, solution = (path.read_text(encoding="utf-8") for path in (exercise.starter, exercise.solution))
    for behaviour in behaviours(exercise):
        assert hints.giveaways(behaviour.hint, starter, solution) == [], behaviour.hint


@each_exercise
def test_a_spec_waits_for_events_and_knows_no_solution(exercise: Exercise) -> None:
    names = {
        node.id for node in ast.walk(ast.parse(exercise.spec.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
    }
    assert not names & {"sleep", "time", "asyncio"}
    assert not {root for root in _imports(exercise.spec) if root in ("solutions", "exercises", "tests")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_submission_knows_nothing_of_the_grader(case: Case) -> None:
    assert "grader" not in _imports(case.path)


def test_the_kill_table_is_current(this_course: Course) -> None:
    shown = kill_table.FILE.read_text(encoding="utf-8")
    assert shown == kill_table.table(this_course), "run: make kill-table"


def test_the_catalogue_says_one_line_for_each_mistake() -> None:
    for mistake, belief in kill_table.catalogue().items():
        assert re.fullmatch(r"[A-M]\d+|fact \d+", mistake), mistake
        assert re.fullmatch(r"[A-Z0-9`].*\.", belief), mistake


def _imports(path: Path) -> set[str]:
    """The packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def _code(path: Path) -> str:
    """What a file does: its code without docstring and declarations."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    own = [node for node in module.body if ast.unparse(node).partition(" =")[0] not in ("MISTAKE", "FAILS")]
    return ast.unparse(ast.Module(own[1:], []))
