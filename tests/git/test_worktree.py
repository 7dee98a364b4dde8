"""Everything that is not committed is one change, and looking at it leaves the repository as it was."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.sandbox.scratch import scratch
from ralph_hooks.git.snapshot import open_repository
from ralph_hooks.git.worktree import TITLE, everything, uncommitted
from tests.support.repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo.create(tmp_path / "project", home=tmp_path)
    made.commit({"a.py": "one\n", "b.py": "one\n", "c.py": "one\n", ".gitignore": "*.log\n"})
    return made


def state_of(folder: Path) -> dict[str, str]:
    """Every file below ``folder`` with what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def read(repo: Repo) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Both sides of every file that is not as HEAD has it."""
    with uncommitted(open_repository(repo.path)) as view:
        snapshot = everything(view)
        contents = snapshot.contents(snapshot.change.entries)
        assert snapshot.change.title == TITLE
        assert set(snapshot.hunks(snapshot.change.entries)) == set(contents)
        return {path: (content.old, content.new) for path, content in contents.items()}


def test_staged_unstaged_and_new_files_are_one_change(repo: Repo) -> None:
    repo.stage({"a.py": "staged\n", "b.py": "staged\n"})
    repo.write({"b.py": "staged, then edited\n", "new/file.py": "new\n", "noise.log": "ignored\n"})
    (repo.path / "c.py").unlink()
    assert read(repo) == {
        "a.py": (b"one\n", b"staged\n"),
        "b.py": (b"one\n", b"staged, then edited\n"),
        "c.py": (b"one\n", None),
        "new/file.py": (None, b"new\n"),
    }


def test_neither_the_index_nor_the_objects_are_touched(repo: Repo) -> None:
    repo.stage({"a.py": "staged\n"})
    repo.write({"b.py": "edited\n", "new.py": "new\n"})
    before = state_of(repo.path)
    read(repo)
    assert state_of(repo.path) == before


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    repo = Repo.create(tmp_path / "fresh", home=tmp_path)
    repo.write({"a.py": "new\n"})
    assert read(repo) == {"a.py": (None, b"new\n")}


def test_a_linked_worktree(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    (tmp_path / "linked" / "a.py").write_text("edited\n")
    with uncommitted(open_repository(tmp_path / "linked")) as view:
        assert [entry.path for entry in everything(view).change.entries] == ["a.py"]


def test_the_tree_can_be_made_in_a_scratch_copy(repo: Repo) -> None:
    """Verify commands run on it."""
    repo.write({"new.py": "new\n"})
    with uncommitted(open_repository(repo.path)) as view:
        change = everything(view).change
        with scratch(view, change.tree, change) as copy:
            assert (copy / "new.py").read_text() == "new\n"


def test_the_same_content_is_the_same_tree_as_a_commit_of_it(repo: Repo) -> None:
    """So what was judged for an agent is known when it is committed."""
    repo.write({"new.py": "new\n"})
    with uncommitted(open_repository(repo.path)) as view:
        tree = everything(view).change.tree
    repo.git("add", "--all")
    assert repo.git("write-tree").strip() == tree


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root can read every file")
def test_a_file_that_cannot_be_read_is_no_silence(repo: Repo) -> None:
    repo.write({"secret.py": "x\n"})
    (repo.path / "secret.py").chmod(0)
    with pytest.raises(GitError), uncommitted(open_repository(repo.path)):
        pass
