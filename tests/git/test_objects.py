"""Objects are read by their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.snapshot import commit, open_repository
from tests.support.repo import Repo
from tests.support.snapshots import look, shown


def test_many_files_are_read_and_only_those_asked_for(repo: Repo) -> None:
    folder = "a" * 200
    repo.stage({f"{folder}/{number}-{'b' * 40}.py": f"{number}\n" for number in range(1000)})
    snapshot = look(repo)
    asked = snapshot.change.entries[::2]
    assert len(asked) == 500
    hunks = snapshot.hunks(asked)
    assert {path: shown(found) for path, found in hunks.items()} == {
        e.path: [f"+{e.path.split('/')[1].split('-')[0]}"] for e in asked
    }
    assert [snapshot.hunks([]), snapshot.contents([]), snapshot.sizes([])] == [{}, {}, {}]


def test_a_partial_clone_fetches_what_is_missing_or_says_so(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.py": "new\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    for name in ("online", "offline"):
        repo.git("clone", "--quiet", "--filter=blob:none", f"file://{repo.path}", str(tmp_path / name))
    online, offline = (commit(open_repository(tmp_path / name), "HEAD") for name in ("online", "offline"))
    assert online.contents(online.change.entries)["a.py"].old == b"one\ntwo\nthree\n"
    repo.path.rename(tmp_path / "moved")
    with pytest.raises(GitError) as caught:
        offline.contents(offline.change.entries)
    assert "partial clone" in caught.value.hint


def test_a_blob_that_is_missing_is_named(repo: Repo) -> None:
    repo.stage({"a.py": "lost\n"})
    oid = repo.git("rev-parse", ":a.py")
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    snapshot = look(repo)
    for read in (snapshot.contents, snapshot.sizes):
        with pytest.raises(GitError, match=oid[:12]):
            read(snapshot.change.entries)
    with pytest.raises(GitError, match=oid):
        snapshot.hunks(snapshot.change.entries)
