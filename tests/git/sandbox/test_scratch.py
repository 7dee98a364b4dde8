"""A scratch copy is exactly the tree, knows nothing of the user's repository, and goes away."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.sandbox.scratch import PREFIX, scratch
from ralph_hooks.git.snapshot import Repository, commit, open_repository, staged
from tests.support.repo import Repo


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A temporary folder for this test alone, so that what is left behind shows."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def files(folder: Path) -> dict[str, str]:
    """Every file outside .git: its content, or where it points to."""
    found = {}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if relative.parts[0] != ".git" and (path.is_symlink() or path.is_file()):
            found[str(relative)] = f"-> {path.readlink()}" if path.is_symlink() else path.read_bytes().decode()
    return found


def ask(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def opened(repo: Repo) -> Repository:
    return open_repository(repo.path)


def test_the_files_are_those_of_the_staged_tree_and_not_of_the_working_tree(repo: Repo) -> None:
    repo.commit({"gone.py": "x\n", "sub/keep.py": "keep\r\n", "moved.py": "moved\n" * 9, "dir": "a file\n"})
    (repo.path / "link").symlink_to("sub/keep.py")
    repo.write({"run.sh": "#!/bin/sh\n"})
    (repo.path / "run.sh").chmod(0o755)
    (repo.path / "moved.py").rename(repo.path / "new.py")
    repo.write({"dir": None, "gone.py": None}).stage({"a.py": "staged\n", "dir/b.py": "now a folder\n"}).stage()
    repo.write({"a.py": "working\n", "untracked.py": "u\n"})
    opened = open_repository(repo.path)
    change = staged(opened).change
    assert repo.try_git("cat-file", "-e", change.tree).returncode, "git has stored this tree: the test shows nothing"
    with scratch(opened, change.tree, change) as folder:
        assert files(folder) == {
            "a.py": "staged\n",
            "dir/b.py": "now a folder\n",
            "link": "-> sub/keep.py",
            "new.py": "moved\n" * 9,
            "run.sh": "#!/bin/sh\n",
            "sub/keep.py": "keep\r\n",
        }
        assert os.access(folder / "run.sh", os.X_OK)
        assert not os.access(folder / "a.py", os.X_OK)
        assert ask(folder, "rev-parse", "HEAD^{tree}") == change.tree
        assert ask(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_tree_from_history_and_the_first_staged_one_can_be_copied(tmp_path: Path, object_format: str) -> None:
    repo = Repo.create(tmp_path / "new", object_format=object_format, home=tmp_path / "home")
    opened = open_repository(repo.stage({"a.py": "one\n"}).path)
    change = staged(opened).change
    with scratch(opened, change.tree, change) as folder:
        assert files(folder) == {"a.py": "one\n"}
    with scratch(opened, change.base, change) as folder:
        assert files(folder) == {}
    repo.commit()
    repo.commit({"a.py": "two\n"})
    old = commit(opened, "HEAD").change.base
    with scratch(opened, old) as folder:
        assert files(folder) == {"a.py": "one\n"}


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_names_of_any_bytes_are_copied(repo: Repo) -> None:
    names = ["new\nline.py", "\x1b[31m.py", "-n", ":(top)", "tab\t.py", os.fsdecode(b"\xff.py")]
    opened = open_repository(repo.stage(dict.fromkeys(names, "x\n")).path)
    change = staged(opened).change
    with scratch(opened, change.tree, change) as folder:
        assert set(files(folder)) == {*names, "a.py"}


def test_nothing_of_the_users_git_is_shared(repo: Repo, opened: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.git("config", "user.signingKey", "mine")
    repo.git("config", "--global", "core.autocrlf", "true")
    repo.git("config", "--global", "filter.upper.smudge", "tr a-z A-Z")
    repo.git("config", "--global", "filter.upper.clean", "cat")
    hook = repo.hook("post-checkout", "raise SystemExit('a hook of the user ran')")
    repo.git("config", "--global", "core.hooksPath", str(hook.parent))
    repo.git("tag", "v1")
    repo.commit({".gitattributes": "*.py filter=upper\n"})
    repo.write({"a.py": "stashed\n"}).git("stash")
    tree = repo.tree()
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.path))
    before = repo.state()
    with scratch(opened, tree) as folder:
        for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
            monkeypatch.delenv(name)
        assert files(folder)["a.py"] == "one\ntwo\nthree\n"
        assert ask(folder, "tag") == ""
        assert ask(folder, "stash", "list") == ""
        assert "signingkey" not in ask(folder, "config", "--local", "--list")
        assert ask(folder, "log", "--format=%an") == "ralph-hooks"
        (folder / "made.py").write_text("x\n")
        ask(folder, "add", "made.py")
        ask(folder, "-c", "core.hooksPath=/dev/null", "commit", "-qm", "inside")
    assert repo.state() == before


def test_the_folder_is_private_and_goes_away_whatever_happens(repo: Repo, opened: Repository, temporary: Path) -> None:
    class Trouble(Exception):
        pass

    def use() -> None:
        with scratch(opened, repo.tree()) as folder:
            assert folder.name == repo.path.name
            assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
            closed = folder / "closed"
            (closed / "inner").mkdir(parents=True)
            (closed / "inner/file").touch()
            closed.chmod(0)
            raise Trouble

    with pytest.raises(Trouble):
        use()
    assert list(temporary.iterdir()) == []


def test_a_link_left_in_a_copy_does_not_reach_outside(repo: Repo, opened: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    outside.chmod(0o750)
    with scratch(opened, repo.tree()) as folder:
        (folder / "closed").mkdir()
        (folder / "closed/out").symlink_to(outside)
        (folder / "closed").chmod(0)
    assert (outside / "file").read_text() == "mine"
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750


KILLED = """
import sys, tempfile, time
from pathlib import Path
from ralph_hooks.git.sandbox.scratch import scratch
from ralph_hooks.git.snapshot import open_repository
tempfile.tempdir = {temporary!r}
with scratch(open_repository(Path({path!r})), {tree!r}):
    print("there", flush=True)
    time.sleep(600)
"""


def test_leftovers_of_a_killed_run_are_removed_and_a_living_one_is_left(
    repo: Repo, opened: Repository, temporary: Path
) -> None:
    code = KILLED.format(temporary=str(temporary), path=str(repo.path), tree=repo.tree())
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        (theirs,) = temporary.glob(f"{PREFIX}*")
        try:
            with scratch(opened, repo.tree()):
                assert theirs.exists()
        finally:
            other.kill()
    assert theirs.exists()
    abandoned, fresh = temporary / "ralph-hooks-temporary-old", temporary / "ralph-hooks-temporary-new"
    for folder in (abandoned, fresh, temporary / "somebody-elses"):
        folder.mkdir()
    os.utime(abandoned, (time.time() - 7200,) * 2)
    with scratch(opened, repo.tree()):
        assert not theirs.exists()
    assert {path.name for path in temporary.iterdir()} == {"ralph-hooks-temporary-new", "somebody-elses"}


def test_a_blob_that_is_missing_is_an_error_and_not_an_incomplete_copy(
    repo: Repo, opened: Repository, temporary: Path
) -> None:
    oid = repo.git("rev-parse", "HEAD:a.py")
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(GitError, match=oid) as caught, scratch(opened, repo.tree()):
        pass
    assert "git fetch" in caught.value.hint
    assert list(temporary.iterdir()) == []


def test_two_copies_live_side_by_side(repo: Repo, opened: Repository) -> None:
    with scratch(opened, repo.tree()) as first, scratch(opened, repo.tree()) as second:
        assert first != second
        assert files(first) == files(second)


def test_a_temporary_folder_inside_the_repository_is_refused(
    repo: Repo, opened: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(repo.path))
    with pytest.raises(GitError, match="inside the repository") as caught, scratch(opened, repo.tree()):
        pass
    assert "TMPDIR" in caught.value.hint


def test_a_change_that_does_not_lead_to_its_tree_is_refused(repo: Repo, opened: Repository, temporary: Path) -> None:
    import msgspec

    change = staged(opened).change
    wrong = msgspec.structs.replace(change, tree="1" * 40)
    with pytest.raises(GitError, match="cannot be built from its base"), scratch(opened, wrong.tree, wrong):
        pass
    with pytest.raises(GitError), scratch(opened, "1" * 40):
        pass
    assert list(temporary.iterdir()) == []
    assert repo.tree() == change.tree


def test_a_linked_worktree_and_a_submodule_can_be_copied(repo: Repo, tmp_path: Path) -> None:
    inner = Repo.create(repo.path / "module", home=repo.home)
    inner.commit({"inner.py": "x\n"})
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "module")
    repo.commit()
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    opened = open_repository(Repo(tmp_path / "linked", repo.home).stage({"b.py": "b\n"}).path)
    change = staged(opened).change
    with scratch(opened, change.tree, change) as folder:
        assert files(folder) == {"a.py": "one\ntwo\nthree\n", "b.py": "b\n"}
        assert (folder / "module").is_dir()
