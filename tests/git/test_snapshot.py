"""What is read from git: every path, every byte, whatever names, attributes and configuration do."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from ralph_hooks.core.change import Content, Status
from ralph_hooks.errors import GitError
from ralph_hooks.git.snapshot import GitSnapshot, between, commit, open_repository, staged
from tests.support.repo import Repo
from tests.support.snapshots import NAMES, entry, look, shown


def lines_of(snapshot: GitSnapshot, path: str = "a.py") -> list[str]:
    return shown(snapshot.hunks(snapshot.change.entries)[path])


# Names


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_files_of_any_name_are_judged(repo: Repo) -> None:
    repo.stage({name: f"content {number}\n" for number, name in enumerate(NAMES)})
    snapshot = look(repo)
    entries = snapshot.change.entries
    assert {e.path for e in entries} == set(NAMES)
    contents, hunks, sizes = snapshot.contents(entries), snapshot.hunks(entries), snapshot.sizes(entries)
    for number, name in enumerate(NAMES):
        text = f"content {number}"
        assert contents[name] == Content(None, f"{text}\n".encode())
        assert shown(hunks[name]) == [f"+{text}"]
        assert sizes[name] == len(text) + 1


# Content


def test_a_partly_staged_file_is_judged_as_staged(repo: Repo) -> None:
    repo.stage({"a.py": "one\nstaged\nthree\n"}).write({"a.py": "one\nworking\nthree\n"})
    assert lines_of(look(repo)) == [" one", "-two", "+staged", " three"]


def test_a_deletion_is_judged(repo: Repo) -> None:
    snapshot = look(repo.stage({"a.py": None}))
    assert entry(snapshot).status is Status.DELETED
    assert lines_of(snapshot) == ["-one", "-two", "-three"]
    assert snapshot.contents(snapshot.change.entries)["a.py"] == Content(b"one\ntwo\nthree\n", None)


def test_a_path_that_is_announced_but_not_staged_is_invisible(repo: Repo) -> None:
    repo.write({"announced.py": "x\n"}).git("add", "--intent-to-add", "announced.py")
    snapshot = look(repo)
    assert snapshot.change.entries == ()
    assert snapshot.change.tree == repo.tree()


def test_nothing_staged_is_an_empty_change(repo: Repo) -> None:
    change = look(repo).change
    assert (change.entries, change.tree, change.base) == ((), repo.tree(), repo.tree())


def test_a_repository_without_anything_is_an_empty_change(tmp_path: Path) -> None:
    change = look(Repo.create(tmp_path / "new", home=tmp_path / "home")).change
    assert (change.entries, change.tree) == ((), change.base)


# Configuration and attributes that hide content

HOSTILE = {
    "diff.external": "false", "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "color.ui": "always",
    "color.diff": "always", "diff.context": "0", "diff.interHunkContext": "99", "diff.renames": "false",
    "diff.relative": "true", "diff.wordRegex": ".", "diff.srcPrefix": "x", "diff.suppressBlankEmpty": "true",
    "diff.hide.textconv": "echo hidden <", "diff.hide.binary": "true", "diff.hide.command": "echo hidden",
    "diff.algorithm": "minimal", "diff.ignoreSubmodules": "all", "diff.indentHeuristic": "false",
    "core.pager": "echo paged", "pager.diff": "true", "core.quotePath": "false", "core.autocrlf": "true",
    "interactive.diffFilter": "false", "core.fsmonitor": "false-program", "status.renames": "false",
    "core.whitespace": "cr-at-eol", "core.abbrev": "4", "log.showSignature": "true",
}  # fmt: skip


def test_configuration_does_not_change_what_is_judged(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    attributes = "*.py diff=hide\n*.bin -diff\n*.txt binary\n"
    repo.commit({"b.py": "zero\n" + "same\n" * 9 + "\ttwo\n\nthree\n", ".gitattributes": attributes})
    files = {"b.py": "one\n" + "same\n" * 9 + "\ttwo\n\nfour\n", "c.bin": "text\n", "d.txt": "text\r\n"}
    plain = look(repo.stage(files))
    expected = {path: shown(hunks) for path, hunks in plain.hunks(plain.change.entries).items()}
    assert expected == {
        "b.py": ["-zero", "+one", " same", " same", " \ttwo", " ", "-three", "+four"],
        "c.bin": ["+text"],
        "d.txt": ["+text\r"],
    }
    order = repo.home / "order"
    order.write_text("*.txt\n*.bin\n")
    for name, value in {**HOSTILE, "diff.orderFile": str(order)}.items():
        repo.git("config", name, value)
    for name, value in {
        "GIT_EXTERNAL_DIFF": "false", "GIT_DIFF_OPTS": "-u9", "GIT_PAGER": "false", "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ICASE_PATHSPECS": "1", "LC_ALL": "de_DE.UTF-8", "GIT_TRACE": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    snapshot = look(repo)
    assert {path: shown(hunks) for path, hunks in snapshot.hunks(snapshot.change.entries).items()} == expected
    assert snapshot.change.tree == plain.change.tree
    assert snapshot.contents(snapshot.change.entries)["d.txt"].new == b"text\r\n"


def test_a_replaced_object_is_judged_as_what_is_committed(repo: Repo) -> None:
    repo.stage({"a.py": "evil\n"})
    harmless = repo.git("hash-object", "-w", "--stdin", stdin=b"harmless\n")
    repo.git("replace", repo.git("rev-parse", ":a.py"), harmless)
    snapshot = look(repo)
    assert snapshot.contents(snapshot.change.entries)["a.py"].new == b"evil\n"
    assert "+evil" in lines_of(snapshot)


# The promise: a hook only reads


@pytest.mark.parametrize("split", [False, True])
def test_nothing_in_the_repository_is_written(repo: Repo, *, split: bool) -> None:
    if split:
        repo.git("config", "core.splitIndex", "true")
        repo.git("config", "splitIndex.maxPercentChange", "0")
        repo.git("update-index", "--split-index")
    repo.commit({"deep/er/b.py": "b\n", "gone.py": "x\n"})
    repo.stage({"deep/er/b.py": "staged\n", "new/c.py": "c\n", "gone.py": None})
    repo.write({"a.py": "unstaged\n", "untracked.py": "u\n", "announced.py": "x\n"}).git("add", "-N", "announced.py")
    os.utime(repo.path / "deep/er/b.py", (1, 1))  # an index that git would like to refresh
    before = repo.state()
    inodes = {name: (repo.path / name).lstat().st_ino for name in before}
    snapshot = look(repo)
    snapshot.sizes(snapshot.change.entries)
    snapshot.contents(snapshot.change.entries)
    snapshot.hunks(snapshot.change.entries)
    assert len(snapshot.change.entries) == 3
    assert repo.state() == before
    assert {name: (repo.path / name).lstat().st_ino for name in before} == inodes, "written anew, with the same content"


def test_an_index_that_another_git_has_locked_can_be_read(repo: Repo) -> None:
    repo.stage({"b.py": "b\n"})
    lock = repo.path / ".git/index.lock"
    lock.write_bytes(b"")
    assert entry(look(repo)).path == "b.py"
    assert lock.exists()


@pytest.mark.parametrize("name", [".git/other", "absolute"])
def test_the_index_that_git_handed_over_is_the_one_that_counts(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = str(tmp_path / "other") if name == "absolute" else name
    (repo.path / "sub").mkdir()
    shutil.copy(repo.path / ".git/index", repo.path / given)
    repo.write({"b.py": "b\n"}).git("add", "b.py", env={"GIT_INDEX_FILE": given})
    repo.stage({"a.py": "in the ordinary index\n"})
    monkeypatch.setenv("GIT_INDEX_FILE", given)
    assert entry(staged(open_repository(repo.path / "sub"))).path == "b.py"


# History


def test_a_commit_is_judged_against_its_first_parent(repo: Repo) -> None:
    first = repo.git("rev-parse", "HEAD")
    second = repo.commit({"b.py": "b\n"})
    opened = open_repository(repo.path)
    change = commit(opened, "HEAD").change
    assert (change.tree, change.base, [e.path for e in change.entries]) == (repo.tree(), repo.tree(first), ["b.py"])
    assert change.title == f"commit {second[:10]}"
    root = commit(opened, first)
    assert [e.path for e in root.change.entries] == ["a.py"]
    assert root.change.base == opened.empty_tree
    assert shown(root.hunks(root.change.entries)["a.py"]) == ["+one", "+two", "+three"]


def test_a_range_is_judged_from_the_merge_base_whatever_is_staged(repo: Repo) -> None:
    base = repo.tree()
    repo.git("branch", "topic")
    repo.commit({"main.py": "main\n"})
    repo.git("checkout", "--quiet", "topic")
    repo.commit({"topic.py": "one\n"})
    repo.commit({"topic.py": "two\n"})
    repo.stage({"staged.py": "s\n"})
    snapshot = between(open_repository(repo.path), "main", "topic")
    assert [e.path for e in snapshot.change.entries] == ["topic.py"]
    assert (snapshot.change.base, snapshot.change.tree) == (base, repo.tree("topic"))
    assert snapshot.change.title == "main..topic"
    assert snapshot.contents(snapshot.change.entries)["topic.py"].new == b"two\n"


def test_branches_without_a_common_commit_are_compared_directly(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.commit({"b.py": "b\n"})
    assert [e.path for e in between(open_repository(repo.path), "main", "other").change.entries] == ["b.py"]


@pytest.mark.parametrize("ref", ["nope", "--output=owned", "-h", "", "HEAD:a.py", "a\nb"])
def test_a_name_that_is_no_commit_is_refused_in_words(repo: Repo, ref: str) -> None:
    opened = open_repository(repo.path)
    with pytest.raises(GitError, match="this clone has no commit"):
        commit(opened, ref)
    with pytest.raises(GitError, match="this clone has no commit"):
        between(opened, ref, "HEAD")
    assert not (repo.path / "owned").exists()


def test_a_shallow_clone_says_what_to_fetch(repo: Repo, tmp_path: Path) -> None:
    repo.git("branch", "topic")
    repo.commit({"b.py": "b\n"})
    repo.git("checkout", "--quiet", "topic")
    tip = repo.commit({"c.py": "c\n"})
    repo.git("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{repo.path}", str(tmp_path / "shallow"))
    clone = Repo(tmp_path / "shallow", repo.home)
    opened = open_repository(clone.path)
    with pytest.raises(GitError, match="shallow clone") as caught:
        commit(opened, tip)
    assert "--unshallow" in caught.value.hint
    with pytest.raises(GitError, match="shallow clone") as caught:
        between(opened, "origin/main", tip)
    assert "--unshallow" in caught.value.hint
    assert entry(look(clone.stage({"d.py": "d\n"}))).path == "d.py"


# Repositories that cannot be judged


def test_a_folder_without_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository") as caught:
        open_repository(tmp_path)
    assert "git init" in caught.value.hint


def test_a_bare_repository_is_refused(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    with pytest.raises(GitError, match="bare repository") as caught:
        open_repository(tmp_path / "bare.git")
    assert "clone" in caught.value.hint


def test_the_inside_of_a_git_folder_is_refused(repo: Repo) -> None:
    with pytest.raises(GitError, match="work tree") as caught:
        open_repository(repo.path / ".git")
    assert "not inside .git" in caught.value.hint


def test_a_repository_of_somebody_else_names_the_command_that_trusts_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own means to test it
    with pytest.raises(GitError, match="dubious ownership") as caught:
        open_repository(repo.path)
    assert f"git config --global --add safe.directory {repo.path}" in caught.value.hint


def test_unmerged_paths_are_refused(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": "topic\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "main\n"})
    assert repo.try_git("merge", "topic").returncode == 1
    with pytest.raises(GitError, match=r"unmerged paths, 'a\.py' first") as caught:
        look(repo)
    assert "resolve the conflicts" in caught.value.hint


def test_a_damaged_index_is_refused(repo: Repo) -> None:
    (repo.path / ".git/index").write_bytes(b"not an index at all" * 9)
    with pytest.raises(GitError, match="index") as caught:
        look(repo)
    assert "git reset" in caught.value.hint


def test_a_folder_whose_name_has_a_line_break_is_refused_in_words(tmp_path: Path) -> None:
    odd = Repo.create(tmp_path / "odd\nname", home=tmp_path / "home")
    with pytest.raises(GitError, match="cannot read git") as caught:
        open_repository(odd.path)
    assert "line break" in caught.value.hint


@pytest.mark.parametrize("name", ["with:colon", 'quo"te', "sp ace", os.fsdecode(b"caf\xe9"), "back\\slash"])
@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_a_repository_in_a_folder_of_odd_name_is_judged(tmp_path: Path, name: str) -> None:
    repo = Repo.create(tmp_path / name / "project", home=tmp_path / "home")
    repo.commit({"sub/a.py": "one\n"})
    repo.stage({"sub/a.py": "two\n"})
    snapshot = look(repo)
    assert lines_of(snapshot, "sub/a.py") == ["-one", "+two"]
    assert snapshot.change.tree == repo.git("write-tree")
