"""Files of a tree, by path."""

from __future__ import annotations

from ralph_hooks.git.base_files import MAX_BYTES, read_files
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo


def test_files_of_the_tree_are_read_and_others_are_missing(repo: Repo) -> None:
    odd = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    repo.commit({"a b.txt": b"one\r\n\xff", odd: "two\n", "folder/c.txt": "", "large": "x" * (MAX_BYTES + 1)})
    tree = repo.tree()
    repo.write({"a b.txt": "other\n"})
    wanted = ["a b.txt", odd, "folder/c.txt", "folder", "large", "none", "line\nbreak"]
    found = read_files(open_repository(repo.path), tree, wanted)
    assert found == {"a b.txt": b"one\r\n\xff", odd: b"two\n", "folder/c.txt": b""}


def test_without_a_tree_there_are_no_files(repo: Repo) -> None:
    assert read_files(open_repository(repo.path), "", ["a.py"]) == {}
