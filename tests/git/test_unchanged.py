"""The files that a change leaves alone, whatever git is configured to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import pytest

from ralph_hooks.git.snapshot import GitSnapshot, commit, open_repository, staged
from ralph_hooks.git.unchanged import GitUnchanged
from tests.support.patience import PATIENCE
from tests.support.repo import Repo

FILES = {
    "a.py": "total = 1\n",
    "b/c.py": "import total\n",
    "b/d.py": "subtotal = total_of\n",
    "e.txt": "total\n",
    "f.py": "x = 1\n",
}


def holding(unchanged: GitUnchanged, words: Sequence[str], suffix: str) -> Mapping[str, bytes]:
    found = unchanged.holding(words, suffix, PATIENCE)
    assert found is not None
    return found


def look(repo: Repo) -> GitSnapshot:
    return staged(open_repository(repo.path))


def test_files_of_an_index_and_of_a_commit_are_found_by_whole_words(repo: Repo) -> None:
    repo.commit(FILES)
    repo.stage({"a.py": "one = 1\n", "f.py": None, "g.py": "total = 2\n"})
    expected = {"b/c.py", "b/d.py", "e.txt"}
    index = look(repo).unchanged()
    assert index.paths() == expected
    assert holding(index, ["total"], ".py") == {"b/c.py": b"import total\n"}
    assert holding(index, ["nothing", "total_of"], ".py").keys() == {"b/d.py"}
    assert holding(index, ["tota.", "-e"], ".py") == {}
    head = commit(open_repository(repo.path), repo.commit()).unchanged()
    assert head.paths() == expected
    assert holding(head, ["total"], ".txt").keys() == {"e.txt"}


def test_a_renamed_file_is_not_left_alone(repo: Repo) -> None:
    repo.commit(FILES)
    repo.stage({"b/c.py": None, "b/h.py": FILES["b/c.py"]})
    assert look(repo).unchanged().paths() == {"a.py", "b/d.py", "e.txt", "f.py"}


def test_a_first_commit_leaves_nothing_alone(repo: Repo) -> None:
    repo.git("update-ref", "-d", "HEAD")
    unchanged = look(repo).unchanged()
    assert unchanged.paths() == set()
    assert holding(unchanged, ["two"], ".py") == {}


def test_links_and_submodules_are_no_files(repo: Repo) -> None:
    (repo.path / "link.py").symlink_to("a.py")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},module")
    repo.git("add", "link.py")
    repo.git("commit", "--quiet", "--no-verify", "-m", "more")
    assert look(repo).unchanged().paths() == {"a.py"}


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_files_of_any_name_are_found(repo: Repo) -> None:
    names = {"with space.py", "two\nlines.py", 'quo"te\n.py', "a:b.py", ":(top)x.py", "-n.py", os.fsdecode(b"\xff.py")}
    repo.commit(dict.fromkeys(names, "total\n"))
    repo.git("config", "color.grep", "always")
    repo.git("config", "grep.column", "true")
    repo.git("config", "grep.lineNumber", "true")
    unchanged = look(repo).unchanged()
    assert holding(unchanged, ["total"], ".py").keys() == names
    assert unchanged.occurrences(["total", "other"], [".py"], PATIENCE) == {"total": names, "other": set()}


def test_words_are_found_by_name_in_files_of_a_kind(repo: Repo) -> None:
    repo.commit(FILES)
    repo.stage({"a.py": "one = 1\n", "g.py": "total = 2\n"})
    unchanged = look(repo).unchanged()
    found = unchanged.occurrences(["total", "subtotal", "sub"], [".py", ".js"], PATIENCE)
    assert found == {"total": {"b/c.py"}, "subtotal": {"b/d.py"}, "sub": set()}


def test_a_search_ends_with_its_time(repo: Repo) -> None:
    repo.commit({"a.py": "total = 1\n" * 200_000})
    repo.stage({"b.py": "x = 1\n"})
    assert look(repo).unchanged().occurrences(["total"], [".py"], 0.0) is None
    assert look(repo).unchanged().holding(["total"], ".py", 0.0) is None


def test_no_more_is_read_than_asked_for(repo: Repo) -> None:
    repo.commit({"a.py": "x" * 100, "b.py": "y" * 10, "c.py": "z"})
    repo.stage({"d.py": "x = 1\n"})
    unchanged = look(repo).unchanged()
    assert unchanged.read(["a.py", "b.py", "nothing.py"], 50) == {"b.py": b"y" * 10}
    assert unchanged.oids(["c.py", "nothing.py"]) == {"c.py": repo.git("rev-parse", "HEAD:c.py")}


def test_literal_pathspecs_do_not_matter(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert holding(look(repo).unchanged(), ["two"], ".py").keys() == {"a.py"}


def test_nothing_is_fetched(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = repo.path.parent / "clone"
    repo.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo.path}", str(clone))
    monkeypatch.chdir(clone)
    partial = Repo(clone, repo.home)
    partial.git("read-tree", "HEAD")
    unchanged = staged(open_repository(clone)).unchanged()
    assert unchanged.paths() == {"a.py"}
    assert holding(unchanged, ["two"], ".py") == {}
    assert not unchanged.occurrences(["two"], [".py"], PATIENCE)
    assert unchanged.read(["a.py"], 1_000) == {}
    assert "?" in partial.git("rev-list", "--objects", "--missing=print", "HEAD")
