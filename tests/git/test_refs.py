"""Our own commits are out of sight of the user's git, and no garbage collection of the user's takes from them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git import refs
from ralph_hooks.git.fixes import backups
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import apply, undo
from ralph_hooks.git.fixes.pins import pin, pinned, unpin
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.fixes import in_store, store_fix
from tests.support.repo import Repo

MONTH = 31 * 86_400


def collect_garbage(repo: Repo) -> None:
    """As `git gc` does when nothing is to be kept that no ref names."""
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")


def packs(repo: Repo) -> int:
    return len(list(in_store(repo).path.glob("objects/pack/*.pack")))


def as_before(repo: Repo, ref: str, commit: str) -> None:
    """Put ``commit`` of our own under ``ref`` of the user's repository, as earlier releases did, and only there."""
    ours = in_store(repo)
    pack = ours.try_git("pack-objects", "--revs", "--stdout", "-q", stdin=f"{commit}\n".encode()).stdout
    repo.git("unpack-objects", "-q", stdin=pack)
    repo.git("update-ref", ref, commit)
    ours.git("update-ref", "-d", ref)


def test_listings_pushes_and_clones_of_the_user_do_not_see_them(repo: Repo, tmp_path: Path) -> None:
    fix = store_fix(repo.stage({"a.py": "bad\n"}), {"a.py": "mended\n"})
    repository = open_repository(repo.path)
    apply(repository, fix)
    pin(repository, staged(repository).change)
    assert len(in_store(repo).git("for-each-ref").splitlines()) == 3
    head = repo.git("rev-parse", "HEAD")
    assert repo.git("log", "--all", "--reflog", "--format=%H") == head
    assert repo.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    repo.git("init", "--quiet", "--bare", str(tmp_path / "mirror.git"))
    repo.git("push", "--quiet", "--mirror", str(tmp_path / "mirror.git"))
    mirror = Repo(tmp_path / "mirror.git", repo.home)
    assert mirror.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    repo.git("clone", "--quiet", "--mirror", str(repo.path), str(tmp_path / "clone.git"))
    assert not (tmp_path / "clone.git/ralph-hooks").exists()


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_what_is_stored_survives_a_garbage_collection(tmp_path: Path, object_format: str) -> None:
    """The commit it was judged on is amended away, and what was staged is not staged any more."""
    repo = Repo.create(tmp_path / "new", object_format=object_format, home=tmp_path / "home")
    repo.commit({"sub/a.py": "one\n", "other/b.py": "b\n", "gone.py": "g\n"})
    repo.stage({"sub/a.py": "two\n", "new/c.py": "c\n", "gone.py": None})
    repository = open_repository(repo.path)
    change = staged(repository).change
    pin(repository, change)
    fix = store_fix(repo, {"sub/a.py": "mended\n", "new/c.py": None, "more.py": "m\n"})
    repo.git("reset", "--quiet", "--hard")
    repo.git("commit", "--quiet", "--amend", "-m", "amended")
    repo.write({"sub/a.py": "two\n", "new/c.py": "c\n"})
    collect_garbage(repo)
    repository = open_repository(repo.path)
    assert apply(repository, fixes.find(repository, fix.ref)).paths == ("more.py", "new/c.py", "sub/a.py")
    collect_garbage(repo)
    assert "mended" in fixes.patch(repository, fix)
    undo(repository)
    assert (repo.path / "sub/a.py").read_text() == "two\n"
    snapshot = pinned(repository, change.tree, change.title)
    assert snapshot.change == change
    assert snapshot.contents(change.entries)["sub/a.py"].new == b"two\n"


def test_refs_of_an_earlier_release_move_to_the_store(repo: Repo) -> None:
    fix = store_fix(repo.stage({"a.py": "bad\n"}), {"a.py": "mended\n"})
    repository = open_repository(repo.path)
    apply(repository, fix)
    (backup,) = (row[1] for row in refs.listed(repository, backups.PREFIX, "%(objectname)"))
    as_before(repo, fix.ref, fix.commit)
    as_before(repo, backups.PREFIX + fix.id, backup)
    repo.git("pack-refs", "--all")
    assert fixes.every(repository) == (fix,)
    assert repo.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    collect_garbage(repo)
    undo(repository)
    assert (repo.path / "a.py").read_text() == "bad\n"
    assert not (repo.path / ".git/refs/ralph").exists()


def test_objects_go_with_the_ref_that_named_them(repo: Repo) -> None:
    repository = open_repository(repo.stage({"a.py": "bad\n"}).path)
    change = staged(repository).change
    pin(repository, change)
    fix = store_fix(repo, {"a.py": "mended\n"})
    assert packs(repo) == 2
    unpin(repository, change.tree)
    assert packs(repo) == 1
    assert "mended" in fixes.patch(repository, fix)


def test_packs_that_a_killed_run_left_are_removed_when_they_are_old(repo: Repo) -> None:
    repository = open_repository(repo.stage({"a.py": "bad\n"}).path)
    fix = store_fix(repo, {"a.py": "mended\n"})
    in_store(repo).git("update-ref", "-d", fix.ref)
    newer = store_fix(repo, {"a.py": "mended again\n"})
    assert packs(repo) == 2
    then = time.time() - MONTH
    for note in in_store(repo).path.glob("objects/pack/*.keep"):
        os.utime(note, (then, then))
    refs.prune(repository, [])
    assert packs(repo) == 1
    assert fixes.every(repository) == (newer,)


def test_a_store_that_came_with_the_repository_runs_nothing(repo: Repo, tmp_path: Path) -> None:
    """An archive may hold a .git folder with a store in it: its settings and hooks are other people's."""
    fix = store_fix(repo.stage({"a.py": "bad\n"}), {"a.py": "mended\n"})
    ours, ran = in_store(repo), tmp_path / "ran"
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.alternateRefsCommand"):
        ours.git("config", setting, f"touch {ran}")
    ours.hook("reference-transaction", f"open({str(ran)!r}, 'w')")
    ran.unlink(missing_ok=True)
    repository = open_repository(repo.path)
    apply(repository, fixes.find(repository, fix.id))
    undo(repository)
    assert not ran.exists()


def test_a_store_that_cannot_be_written_is_told(repo: Repo) -> None:
    (repo.path / ".git/ralph-hooks").write_text("a file\n")
    with pytest.raises(GitError, match=r"cannot write to .*store\.git"):
        refs.store(open_repository(repo.path))
