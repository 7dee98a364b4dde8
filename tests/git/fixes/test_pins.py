"""What a background repair works on stays what was judged, and pinning it changes nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.core.change import Change
from ralph_hooks.errors import GitError
from ralph_hooks.git.fixes.pins import PREFIX, pin, pinned, pins, unpin
from ralph_hooks.git.snapshot import between, open_repository, staged
from tests.support.fixes import in_store
from tests.support.repo import Repo


def judged(repo: Repo) -> Change:
    return staged(open_repository(repo.path)).change


def beside_our_own(repo: Repo) -> dict[str, bytes]:
    return {
        name: content for name, content in repo.state().items() if not name.startswith(".git/ralph-hooks/store.git/")
    }


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_the_change_comes_back_as_it_was_judged_whatever_happens_to_the_index(
    tmp_path: Path, object_format: str
) -> None:
    repo = Repo.create(tmp_path / "new", object_format=object_format, home=tmp_path / "home")
    repo.commit({"moved.py": "moved\n" * 9, "gone.py": "x\n", "dir": "a file\n", "kept/far/down.py": "k\n"})
    (repo.path / "moved.py").rename(repo.path / "new name.py")
    repo.write({"gone.py": None, "dir": None})
    repo.write({"l\udcf6\n.py": "bytes\n", "dir/b.py": "now a folder\n", "kept/far/down.py": "changed\n"}).stage()
    change = judged(repo)
    pin(open_repository(repo.path), change)
    repo.git("reset", "--quiet", "--hard")
    repo.git("-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
    assert pinned(open_repository(repo.path), change.tree, "staged change").change == change


def test_a_first_commit_can_be_pinned(tmp_path: Path) -> None:
    repo = Repo.create(tmp_path / "new", home=tmp_path / "home").stage({"a.py": "one\n"})
    change = judged(repo)
    pin(open_repository(repo.path), change)
    assert pinned(open_repository(repo.path), change.tree, "staged change").change == change


def test_a_range_can_be_pinned(repo: Repo) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.commit({"b.py": "b\n"})
    repo.commit({"a.py": None})
    opened = open_repository(repo.path)
    change = between(opened, first, "HEAD").change
    pin(opened, change)
    assert pinned(opened, change.tree, change.title).change == change


def test_pinning_writes_into_our_own_repository_alone(repo: Repo, tmp_path: Path) -> None:
    """The user's hooks are not run either, nor do variables of the commit under way get into it."""
    repo.git("config", "core.logAllRefUpdates", "always")
    for name in ("reference-transaction", "post-index-change"):
        repo.hook(name, f"open({str(tmp_path / 'ran')!r}, 'w')")
    repo.stage({"a.py": "staged\n"}).write({"a.py": "working\n", "untracked.py": "u\n"})
    change = judged(repo)
    (tmp_path / "ran").unlink(missing_ok=True)
    before = beside_our_own(repo)
    opened = open_repository(repo.path)
    pin(opened, change)
    assert pins(opened) == (change.tree,)
    assert in_store(repo).git("log", "-1", "--format=%an %cn", PREFIX + change.tree) == "ralph-hooks ralph-hooks"
    unpin(opened, change.tree)
    assert pins(opened) == ()
    unpin(opened, change.tree)
    assert beside_our_own(repo) == before
    assert not (tmp_path / "ran").exists()


def test_the_index_that_git_hands_to_a_hook_is_neither_needed_nor_touched(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.stage({"b.py": "staged\n"})
    handed_over = repo.path / ".git/next-index-7.lock"
    handed_over.write_bytes((repo.path / ".git/index").read_bytes())
    monkeypatch.setenv("GIT_INDEX_FILE", str(handed_over))
    change = judged(repo)
    opened = open_repository(repo.path)
    handed_over.unlink()
    pin(opened, change)
    assert not handed_over.exists()
    assert pinned(opened, change.tree, "staged change").change == change


def test_a_tree_that_is_not_pinned_is_told(repo: Repo) -> None:
    with pytest.raises(GitError):
        pinned(open_repository(repo.path), "0" * 40, "staged change")


def test_a_linked_worktree_pins_in_the_repository_it_belongs_to(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", repo.home).stage({"b.py": "b\n"})
    change = judged(linked)
    pin(open_repository(linked.path), change)
    assert pins(open_repository(repo.path)) == (change.tree,)
