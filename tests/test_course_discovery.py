"""Finding exercises, and the one line that a broken course gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course import Course, behaviours, load, tries
from grader.errors import CourseError, UnknownExercise
from tests import course_on_disk

INDEX = "modules/course.toml"
SPEC = "grader/specs/m01_first/greeting.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return course_on_disk.write(tmp_path)


@pytest.fixture
def course(root: Path) -> Course:
    return load(root)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_modules_and_exercises_keep_the_order_of_the_index(course: Course) -> None:
    assert [module.title for module in course.modules] == ["First", "Second"]
    assert [e.id for e in course.exercises] == ["m01_first/greeting", "m01_first/farewell", "m02_second/greenhouse"]
    assert course.exercises[0].title == "The greeting"
    course.check()


def test_this_course_can_be_read() -> None:
    assert load().exercises


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("all", ["greeting", "farewell", "greenhouse"]),
        ("m01_first", ["greeting", "farewell"]),
        ("m01", ["greeting", "farewell"]),
        ("m01/", ["greeting", "farewell"]),
        ("m02", ["greenhouse"]),
        ("m01_first/farewell", ["farewell"]),
        ("farewell", ["farewell"]),
        ("far", ["farewell"]),
        ("m01/gre", ["greeting"]),
        ("greet", ["greeting"]),
        ("exercises/m01_first/greeting.py", ["greeting"]),
        ("./exercises/m01_first/", ["greeting", "farewell"]),
    ],
)
def test_a_name_may_be_shortened_as_far_as_it_is_unique(course: Course, name: str, found: list[str]) -> None:
    assert [exercise.name for exercise in course.find(name)] == found


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gre", '"gre" could be m01_first/greeting or m02_second/greenhouse.'),
        ("greting", 'No exercise or module is called "greting". Did you mean m01_first/greeting?'),
        ("house", 'No exercise or module is called "house". Did you mean m02_second/greenhouse?'),
        ("zebra", 'No exercise or module is called "zebra". "grader list" shows them all.'),
        ("", 'No exercise or module is called "". "grader list" shows them all.'),
        ("a", 'No exercise or module is called "a". "grader list" shows them all.'),
    ],
)
def test_a_wrong_name_is_told_the_near_ones(course: Course, name: str, told: str) -> None:
    with pytest.raises(UnknownExercise) as caught:
        course.find(name)
    assert str(caught.value) == told


def test_paths_follow_from_the_id(course: Course, root: Path) -> None:
    greeting = course.exercises[0]
    for kind in ("mutants", "alternatives"):
        folder = root / "tests" / kind / greeting.id
        folder.mkdir(parents=True)
        (folder / "b.py").touch()
        (folder / "a.py").touch()
    assert greeting.lesson == root / "modules/m01_first/greeting.md"
    assert [path.name for path in greeting.mutants] == ["a.py", "b.py"]
    assert [path.name for path in greeting.alternatives] == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "First"', "title = First", "modules/course.toml is not valid TOML: Invalid value (at line 2,"),
        ('farewell = "', 'greeting = "', "modules/course.toml is not valid TOML: Cannot overwrite a value (at line 6,"),
        ('title = "First"', "", '[m01_first] has no title for "title"; add a line title = "...".'),
        ('"The greeting"', "3", '[m01_first] has no title for "greeting"; add a line greeting = "...".'),
        ("farewell = ", '"Good bye" = ', '"Good bye" cannot be a file name'),
        ("[m02_second.exercises]\n", "", "[m02_second.exercises] is missing or empty"),
        ("m02_second", "second", "second is no module; a module is a table called mNN_name."),
        ("greenhouse", "greeting", "m01_first/greeting and m02_second/greeting have the same name; rename one"),
    ],
)
def test_a_broken_index_gets_one_line(root: Path, old: str, new: str, told: str) -> None:
    replace(root / INDEX, old, new)
    assert told in broken(lambda: load(root))


def test_an_empty_index_gets_one_line(root: Path) -> None:
    (root / INDEX).write_text("", encoding="utf-8")
    assert "lists no module" in broken(lambda: load(root))


def test_an_index_that_is_no_text_gets_one_line(root: Path) -> None:
    (root / INDEX).write_bytes(b"\xff\xfe")
    assert f"{INDEX} cannot be read" in broken(lambda: load(root))


def test_a_missing_index_gets_one_line(tmp_path: Path) -> None:
    assert "course.toml is missing: run grader from a full copy" in broken(lambda: load(tmp_path))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("modules/m01_first/greeting.md", "lesson"),
        ("exercises/m01_first/greeting.py", "starter"),
        ("solutions/m01_first/greeting.py", "solution"),
        (SPEC, "spec"),
    ],
)
def test_a_missing_file_is_named_with_its_remedy(course: Course, root: Path, path: str, part: str) -> None:
    (root / path).unlink()
    remedy = f"{path} is missing, the {part} of m01_first/greeting: write it, or take it out of {INDEX}."
    assert broken(course.check) == remedy
    (greeting,), (farewell,) = course.find("greeting"), course.find("farewell")
    assert broken(greeting.check) == remedy
    farewell.check()


@pytest.mark.parametrize(
    "path", ["modules/m01_first/stray.md", "solutions/m01_first/stray.py", "grader/specs/m01_first/stray.py"]
)
def test_a_file_that_is_not_in_the_index_is_named(course: Course, root: Path, path: str) -> None:
    (root / path).touch()
    assert broken(course.check) == (
        f"{path} is not in {INDEX}: list it under [m01_first.exercises], or remove the file."
    )


def test_a_students_own_scratch_file_breaks_nothing(course: Course, root: Path) -> None:
    (root / "exercises/m01_first/greeting_old.py").touch()
    course.check()
    assert [path.name for path in course.strays("exercises/*/*.py")] == ["greeting_old.py"]


def test_behaviours_come_in_definition_order(course: Course) -> None:
    first, second = behaviours(course.exercises[0])
    assert (first.name, first.sentence, first.points) == ("test_answers", "The service answers.", 1)
    assert (second.needs, second.hint) == (("test_answers",), "Who waits?")
    assert second.lesson == "modules/m01_first/greeting.md#the-smallest-change"
    assert tries(course.exercises[0]) == ("GET /ping",)


def test_a_lesson_without_the_heading_is_linked_as_a_whole(course: Course) -> None:
    course.exercises[0].lesson.write_text("# A lesson\n", encoding="utf-8")
    assert behaviours(course.exercises[0])[0].lesson == "modules/m01_first/greeting.md"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"""It answers soon."""', "...", "test_answers_soon has no docstring; write the sentence"),
        ("points=2", "points=0", "test_answers_soon is worth 0 points; give it a whole number from 1."),
        ('hint="Who waits?"', 'hint=" "', "test_answers_soon has no hint"),
        ('needs=["test_answers"]', 'needs=["test_x"]', 'test_answers_soon needs "test_x", which is no earlier test'),
        ('@behaviour(points=1, hint="Which status says so?")', "", "test_answers is not marked; put @behaviour("),
        ("def test_", "def check_", "holds no behaviour: write a function test_..."),
        ('TRY = ("GET /ping",)', "TRY = (", "line 5: '(' was never closed; mend the spec."),
        ('TRY = ("GET /ping",)', "import nothing_such", "line 5: ModuleNotFoundError: No module named 'nothing_such'"),
    ],
)
def test_a_broken_spec_gets_one_line(course: Course, root: Path, old: str, new: str, told: str) -> None:
    replace(root / SPEC, old, new)
    line = broken(lambda: behaviours(course.exercises[0]))
    assert line.startswith(SPEC)
    assert told in line


def test_a_missing_spec_gets_one_line(course: Course, root: Path) -> None:
    (root / SPEC).unlink()
    assert (
        broken(lambda: behaviours(course.exercises[0])) == f"{SPEC} is missing: write the spec of m01_first/greeting."
    )


def broken(action: object) -> str:
    """The one line of the CourseError that an action raises."""
    assert callable(action)
    with pytest.raises(CourseError) as caught:
        action()
    line = str(caught.value)
    assert "\n" not in line
    return line
