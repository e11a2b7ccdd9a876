"""The course as it lies on disk: modules and exercises in the order of ``modules/course.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grader import naming
from grader.errors import CourseError, UnknownExercise
from grader.spec import SpecBehaviour, behaviours, tries

__all__ = ["Course", "Exercise", "Module", "SpecBehaviour", "behaviours", "load", "tries"]

INDEX = "modules/course.toml"
MODULE_NAME = re.compile(r"m\d\d_[a-z][a-z0-9_]*")
EXERCISE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Exercise:
    """One exercise; its paths follow from its id, whether or not the files are there.

    name, title, module: as in ``course.toml``; module is the module's name.
    root: the folder in which the course lies.
    """

    name: str
    title: str
    module: str
    root: Path

    @property
    def id(self) -> str:
        """Module and name, for example ``m01_background_tasks/welcome_email``."""
        return f"{self.module}/{self.name}"

    @property
    def lesson(self) -> Path:
        """The page that teaches it."""
        return self.root / "modules" / f"{self.id}.md"

    @property
    def starter(self) -> Path:
        """The student's own file."""
        return self.root / "exercises" / f"{self.id}.py"

    @property
    def solution(self) -> Path:
        """The reference solution."""
        return self.root / "solutions" / f"{self.id}.py"

    @property
    def spec(self) -> Path:
        """Its behaviours."""
        return self.root / "grader" / "specs" / f"{self.id}.py"

    @property
    def mutants(self) -> list[Path]:
        """Its wrong implementations, in the order of their names."""
        return sorted((self.root / "tests" / "mutants" / self.id).glob("*.py"))

    @property
    def alternatives(self) -> list[Path]:
        """Its other right implementations, in the order of their names."""
        return sorted((self.root / "tests" / "alternatives" / self.id).glob("*.py"))

    def check(self) -> None:
        """Raise CourseError unless lesson, starter, solution and spec are there."""
        parts = {"lesson": self.lesson, "starter": self.starter, "solution": self.solution, "spec": self.spec}
        for part, path in parts.items():
            if not path.is_file():
                where = path.relative_to(self.root)
                raise CourseError(f"{where} is missing, the {part} of {self.id}: write it, or take it out of {INDEX}.")


@dataclass(frozen=True)
class Module:
    """One module: its folder's name, its title, its exercises in order."""

    name: str
    title: str
    exercises: tuple[Exercise, ...]


@dataclass(frozen=True)
class Course:
    """All modules in order."""

    root: Path
    modules: tuple[Module, ...]

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        """All exercises in order."""
        return tuple(exercise for module in self.modules for exercise in module.exercises)

    def find(self, name: str) -> list[Exercise]:
        """The exercises meant by a name, which may be shortened as far as it is unique.

        name: "all", a module, an exercise, or the path of one of the student's files. Raises
        UnknownExercise, with the near names, when there is none or more than one. Whether the files
        are there is not asked: ``Exercise.check`` does that.
        """
        meant = self._meant(name)
        return [exercise for exercise in self.exercises if exercise.id in meant]

    def _meant(self, name: str) -> set[str]:
        ids = {exercise.id: {exercise.id} for exercise in self.exercises}
        modules = {module.name: {exercise.id for exercise in module.exercises} for module in self.modules}
        if name == "all":
            return set(ids)
        known = ids | modules
        matches = naming.shortened(name, list(known))
        if len(matches) == 1:
            return known[matches[0]]
        if matches:
            raise UnknownExercise(f'"{name}" could be {naming.alternatives(matches)}.')
        near = naming.near(name, list(known))
        did_you_mean = f"Did you mean {naming.alternatives(near)}?" if near else '"grader list" shows them all.'
        raise UnknownExercise(f'No exercise or module is called "{name}". {did_you_mean}')

    def check(self) -> None:
        """Raise CourseError at the first thing that does not fit together, other than inside specs."""
        for exercise in self.exercises:
            exercise.check()
        for path in self.strays("modules/*/*.md", "solutions/*/*.py", "grader/specs/*/*.py"):
            module = path.parent.name
            where = path.relative_to(self.root)
            raise CourseError(f"{where} is not in {INDEX}: list it under [{module}.exercises], or remove the file.")

    def strays(self, *patterns: str) -> Iterator[Path]:
        """The files that a pattern finds below the course's folder and that belong to no exercise."""
        known = {exercise.id for exercise in self.exercises}
        for path in sorted(path for pattern in patterns for path in self.root.glob(pattern)):
            own = f"{path.parent.name}/{path.stem}"
            if own not in known and path.stem not in ("README", "__init__"):
                yield path


def load(root: Path | None = None) -> Course:
    """Read the order of the course.

    root: the folder that holds ``modules/``; by default the one in which this package lies. Raises
    CourseError when ``course.toml`` is missing or makes no sense. Whether the files of the exercises
    are there is asked where they are needed: ``Exercise.check`` and ``Course.check``.
    """
    root = root or Path(__file__).resolve().parent.parent
    modules = tuple(_module(root, name, table) for name, table in _read(root / INDEX).items())
    seen: dict[str, str] = {}
    for exercise in (exercise for module in modules for exercise in module.exercises):
        other = seen.setdefault(exercise.name, exercise.id)
        if other != exercise.id:
            raise CourseError(f"{INDEX}: {other} and {exercise.id} have the same name; rename one of them.")
    return Course(root, modules)


def _read(index: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(index.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError(f"{index} is missing: run grader from a full copy of the course's repository.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{INDEX} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{INDEX} is not valid TOML: {error}; mend that line.") from None
    if not tables:
        raise CourseError(f"{INDEX} lists no module; add a table such as [m01_background_tasks].")
    return tables


def _module(root: Path, name: str, table: object) -> Module:
    if not MODULE_NAME.fullmatch(name) or not isinstance(table, dict):
        raise CourseError(f"{INDEX}: {name} is no module; a module is a table called mNN_name.")
    exercises = table.get("exercises")
    if not isinstance(exercises, dict) or not exercises:
        raise CourseError(f'{INDEX}: [{name}.exercises] is missing or empty; add lines such as name = "Title".')
    for key, title in {"title": table.get("title"), **exercises}.items():
        if not isinstance(title, str) or not title.strip():
            raise CourseError(f'{INDEX}: [{name}] has no title for "{key}"; add a line {key} = "...".')
        if not EXERCISE_NAME.fullmatch(key):
            raise CourseError(f'{INDEX}: [{name}] "{key}" cannot be a file name; use small letters, digits and _.')
    return Module(name, table["title"], tuple(Exercise(key, title, name, root) for key, title in exercises.items()))
