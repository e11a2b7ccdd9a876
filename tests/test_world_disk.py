"""Leftovers are found where they lie, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from grader.world.disk import files_with


def test_files_are_found_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    wanted = [tmp_path / "a", tmp_path / "deep" / "down" / "b"]
    for path in (*wanted, tmp_path / "other"):
        path.write_bytes(b"nothing" if path.name == "other" else b"x" * 70_000 + b"marker")
    assert files_with(tmp_path, b"marker") == wanted


def test_links_and_pipes_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"marker")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert files_with(folder, b"marker") == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert files_with(tmp_path / "gone", b"marker") == []
