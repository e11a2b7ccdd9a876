"""A database can be taken back to any moment between two of its transactions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.world.transactions import Transactions

WRITE = """
import sqlite3, sys
for item in sys.argv[2:]:
    database = sqlite3.connect(sys.argv[1])
    database.execute("CREATE TABLE IF NOT EXISTS items (name TEXT)")
    database.execute("INSERT INTO items VALUES (?)", (item,))
    database.commit()
    database.close()
"""
READ = """
import sqlite3, sys
print(*(name for [name] in sqlite3.connect(sys.argv[1]).execute("SELECT name FROM items")), sep=",")
"""


def run(program: str, *arguments: object) -> str:
    """Run a program as a submission would be run: in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "app.db"
    run(WRITE, file, "old")
    return file


def test_each_state_but_the_last_is_kept_and_can_be_put_back(database: Path) -> None:
    transactions = Transactions(database)
    transactions.log()
    with transactions.between() as states:
        run(WRITE, database, "one", "two", "three")  # each closes the database behind it
    seen = []
    for state in states:
        transactions.put_back(state)
        seen.append(run(READ, database))
    assert seen == ["old,one", "old,one,two"]


def test_who_writes_in_another_way_leaves_no_states(database: Path) -> None:
    with Transactions(database).between() as states:
        run(WRITE, database, "one", "two")
    assert states == []
    assert run(READ, database) == "old,one,two"


def test_a_database_that_is_not_there_or_is_a_link_has_no_states(tmp_path: Path, database: Path) -> None:
    (tmp_path / "link.db").symlink_to(database)
    before = database.read_bytes()
    for name in ("gone.db", "link.db"):
        transactions = Transactions(tmp_path / name)
        transactions.log()
        with transactions.between() as states:
            run(WRITE, database, "one", "two")
            database.write_bytes(before)
        assert states == []
