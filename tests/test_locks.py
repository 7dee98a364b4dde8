"""One holder at a time, and none once it is dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralph_hooks import locks

HOLDER = """
import pathlib, sys
from ralph_hooks import locks
lock = locks.acquire(pathlib.Path(sys.argv[1]))
print(lock is not None, flush=True)
sys.stdin.read()
"""
HEIR = """
import pathlib, sys
from ralph_hooks import locks
lock = locks.adopt(int(sys.argv[2]), pathlib.Path(sys.argv[1]))
print(lock is not None, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def start(script: str, *arguments: object, descriptor: int | None = None) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=() if descriptor is None else (descriptor,),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_a_lock_has_one_holder_and_only_its_owner_can_read_it(path: Path) -> None:
    assert not locks.held(path)
    with start(HOLDER, path) as holder:
        assert locks.held(path)
        assert locks.acquire(path) is None
        holder.kill()
    assert not locks.held(path)
    lock = locks.acquire(path)
    assert lock is not None
    assert path.stat().st_mode & 0o777 == 0o600
    lock.release()


def test_a_lock_passes_to_another_process_without_a_gap(path: Path) -> None:
    lock = locks.acquire(path)
    assert lock is not None
    with start(HEIR, path, lock.descriptor, descriptor=lock.descriptor) as heir:
        lock.release()
        assert locks.held(path)
        heir.kill()
    assert not locks.held(path)


def test_any_other_descriptor_is_no_lock_on_the_file(path: Path, tmp_path: Path) -> None:
    path.touch()
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    assert locks.adopt(other, path) is None
    assert locks.adopt(other, path) is None  # closed by now
    assert not locks.held(path)


def test_a_lock_on_a_file_that_was_removed_is_none(path: Path) -> None:
    lock = locks.acquire(path)
    assert lock is not None
    path.unlink()
    assert not locks.held(path)
    again = locks.acquire(path)
    assert again is not None
    assert locks.acquire(path.parent / "no-such-folder" / "lock") is None


def test_a_folder_in_which_files_can_be_locked_is_told_from_one_in_which_they_cannot(tmp_path: Path) -> None:
    assert locks.usable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not locks.usable(tmp_path / "missing")
