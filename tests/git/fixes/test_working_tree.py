"""Files go from one state to another all at once or not at all, whatever the disk and other people do."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from ralph_hooks.git.fixes.working_tree import FileStep, Obstacle, Side, clear, look, replace, side
from tests.support.disks import small_disk
from tests.support.rights import run_with_few_rights

TOKEN = "1a2b3c4d5e6f"


def files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    (folder / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (folder / name).write_bytes(b"old\n")
    return folder


STEPS = (
    FileStep(path="a", before=b"old\n", after=b"new\n"),
    FileStep(path="sub/c", before=b"old\n", after=None),
    FileStep(path="made/deep/d", before=None, after=b"new\n"),
    FileStep(path="b", before=b"old\n", after=b"new\n"),
)


def test_every_file_is_replaced_and_no_trace_is_left(top: Path) -> None:
    replace(top, STEPS, TOKEN)
    assert files(top) == {"a": b"new\n", "b": b"new\n", "made/deep/d": b"new\n"}
    assert not (top / "sub").exists()
    replace(top, [step.reversed() for step in STEPS], TOKEN)
    assert files(top) == {"a": b"old\n", "b": b"old\n", "sub/c": b"old\n"}
    assert not (top / "made").exists()


def test_a_file_keeps_its_permissions_and_a_new_one_gets_those_of_the_user(top: Path) -> None:
    (top / "a").chmod(0o751)
    previous = os.umask(0o027)
    try:
        replace(top, [*STEPS, FileStep(path="run", before=None, after=b"x", executable=True)], TOKEN)
    finally:
        os.umask(previous)
    modes = [stat.S_IMODE((top / name).stat().st_mode) for name in ("a", "made/deep/d", "run")]
    assert modes == [0o751, 0o640, 0o750]


@pytest.mark.parametrize("path", ["a", "sub/c", "made/deep/d", "b"])
def test_a_file_that_is_not_what_it_was_taken_for_ends_it_and_all_go_back(top: Path, path: str) -> None:
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_bytes(b"mine\n")
    before = files(top)
    with pytest.raises(Obstacle, match=path):
        replace(top, STEPS, TOKEN)
    assert files(top) == before


def test_what_is_no_file_is_not_written_through(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (top / "made").symlink_to(outside)
    before = files(top)
    with pytest.raises(Obstacle, match="symbolic link"):
        replace(top, STEPS, TOKEN)
    assert files(top) == before
    assert list(outside.iterdir()) == []
    os.mkfifo(top / "pipe")
    with pytest.raises(Obstacle, match="not a regular file"):
        look(top, "pipe")


def test_where_a_file_stands_is_told_by_its_bytes(top: Path) -> None:
    assert [side(top, step) for step in STEPS] == [Side.BEFORE] * 4
    replace(top, STEPS, TOKEN)
    assert [side(top, step) for step in STEPS] == [Side.AFTER] * 4
    (top / "a").write_bytes(b"mine\n")
    (top / "b").unlink()
    (top / "b").symlink_to("a")
    assert [side(top, step) for step in STEPS] == [Side.ELSEWHERE, Side.AFTER, Side.AFTER, Side.ELSEWHERE]


def test_what_a_killed_run_has_prepared_is_cleared_away(top: Path) -> None:
    before = files(top)
    (top / "made/deep").mkdir(parents=True)
    for number, folder in enumerate((".", "sub", "made/deep", ".")):
        (top / folder / f".ralph-hooks-{TOKEN}-{number}").write_bytes(b"half")
    clear(top, STEPS, TOKEN)
    assert files(top) == before
    assert not (top / "made").exists()


CODE = """
import pathlib, resource, sys
from ralph_hooks.git.fixes.working_tree import Obstacle, FileStep, replace
top, limit = pathlib.Path(sys.argv[1]), int(sys.argv[2])
steps = [
    FileStep(path="a", before=b"old\\n", after=b"new\\n"),
    FileStep(path="made/d", before=None, after=b"new\\n"),
    FileStep(path="sub/c", before=b"old\\n", after=b"x" * 5000),
]
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    replace(top, steps, "token")
except (OSError, Obstacle) as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_disk_that_fills_up_half_way_changes_nothing(top: Path) -> None:
    before = files(top)
    done = run_with_few_rights(CODE, str(top), "1000")
    assert "File too large" in done.stdout, done.stderr
    assert files(top) == before
    assert not (top / "made").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_folder_that_may_not_be_written_changes_nothing(top: Path) -> None:
    before = files(top)
    (top / "sub").chmod(0o555)
    try:
        done = run_with_few_rights(CODE, str(top), "0")
    finally:
        (top / "sub").chmod(0o755)
    assert "Permission denied" in done.stdout, done.stderr
    assert files(top) == before
    assert not (top / "made").exists()


def test_a_disk_that_is_really_full_changes_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 64) as top:
        (top / "sub").mkdir()
        for name in ("a", "sub/c"):
            (top / name).write_bytes(b"old\n")
        (top / "filler").write_bytes(b"x" * 40_000)
        before = files(top)
        steps = [
            FileStep(path="a", before=b"old\n", after=b"new\n"),
            FileStep(path="sub/c", before=b"old\n", after=b"x" * 40_000),
        ]
        with pytest.raises(OSError, match="No space left"):
            replace(top, steps, TOKEN)
        assert files(top) == before
