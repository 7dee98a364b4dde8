"""A stored fix comes into the working tree and goes out again; the index, and what the user did since, stay."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes import backups, journal
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import Applied, NotApplied, apply, recover, undo
from ralph_hooks.git.sandbox.workbench import GitWorkbench
from ralph_hooks.git.snapshot import Repository, open_repository, staged
from tests.support.applying import LINES, replaced, text
from tests.support.fixes import in_store, private_state, store_fix, tree
from tests.support.repo import Repo


def test_files_are_changed_made_and_removed_and_the_index_stays(repo: Repo, opened: Repository) -> None:
    repo.stage({"a.py": "one\nTWO\nthree\n", "gone/b.py": "b\n", "kept.py": "k\n"})
    repo.write({"untracked.py": "u\n", "intended.py": "i\n"})
    repo.git("add", "--intent-to-add", "intended.py")
    (repo.path / "a.py").chmod(0o640)
    fix = store_fix(repo, {"a.py": "one\ntwo\nthree\n", "gone/b.py": None, "new/c.py": "c\n"})
    before, gits = tree(repo), private_state(repo)
    assert apply(opened, fix) == Applied(fix.id, ("a.py", "gone/b.py", "new/c.py"))
    after = tree(repo)
    assert after["a.py"] == (stat.S_IFREG | 0o640, b"one\ntwo\nthree\n")
    assert after["new/c.py"][1] == b"c\n"
    assert {name for name in before if before[name] != after.get(name)} == {"a.py", "gone/b.py"}
    assert not (repo.path / "gone").exists()
    assert private_state(repo) == gits
    ref = backups.PREFIX + fix.id
    assert in_store(repo).git("show", f"{ref}:a.py") == "one\nTWO\nthree"
    assert in_store(repo).git("show", "--format=", "--name-status", ref) == "M\ta.py\nA\tgone/b.py\nD\tnew/c.py"
    assert undo(opened) == Applied(fix.id, ("a.py", "gone/b.py", "new/c.py"))
    assert tree(repo) == before
    assert not (repo.path / "new").exists()
    assert private_state(repo) == gits
    assert in_store(repo).git("show", f"{ref}:new/c.py") == "c", "what undo replaced is kept as well"
    with pytest.raises(RalphError, match="nothing to undo"):
        undo(opened)


def test_the_same_fix_can_be_applied_again(repo: Repo, opened: Repository) -> None:
    fix = store_fix(repo, {"a.py": "mended\n"})
    apply(opened, fix)
    assert apply(opened, fix) == Applied(fix.id, ())
    repo.write({"a.py": "one\ntwo\nthree\n"})
    assert apply(opened, fix).paths == ("a.py",)
    undo(opened)
    assert undo(opened) == Applied(fix.id, ())
    assert text(repo, "a.py") == "one\ntwo\nthree\n"


# With what the user has edited since


def test_an_undo_that_would_take_later_edits_with_it_is_refused(repo: Repo, opened: Repository) -> None:
    repo.stage({"a.py": LINES})
    fix = store_fix(repo, {"a.py": replaced("line 5\n", "five\n"), "new.py": "new\n"})
    apply(opened, fix)
    repo.write({"a.py": replaced("line 5\n", "FIVE\n"), "new.py": "new\nmine\n"})
    before = tree(repo)
    with pytest.raises(NotApplied) as caught:
        undo(opened)
    assert "a.py:5 has your edits on the same lines" in caught.value.message
    assert "new.py:2 would be removed, but you changed it" in caught.value.message
    assert tree(repo) == before


@pytest.mark.parametrize("kind", ["link", "folder", "link on the way", "file on the way", "read-only"])
def test_what_is_no_file_any_more_is_not_replaced(repo: Repo, opened: Repository, tmp_path: Path, kind: str) -> None:
    repo.stage({"sub/a.py": "a\n", "b.py": "b\n"})
    fix = store_fix(repo, {"b.py": "mended\n", "sub/a.py": "mended\n"})
    place, outside = repo.path / "sub/a.py", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("a\n")
    if kind == "read-only":
        place.chmod(0o444)
    else:
        place.unlink()
    if kind == "link":
        place.symlink_to(outside / "a.py")
    if kind == "folder":
        place.mkdir()
    if kind.endswith("on the way"):
        place.parent.rmdir()
    if kind == "link on the way":
        place.parent.symlink_to(outside)
    if kind == "file on the way":
        place.parent.write_text("x")
    before = tree(repo)
    with pytest.raises(NotApplied, match=r"sub/a\.py (is|cannot be reached)"):
        apply(opened, fix)
    assert tree(repo) == before
    assert (outside / "a.py").read_text() == "a\n"


# As git would write it


@pytest.mark.parametrize("how", ["attributes", "autocrlf"])
def test_line_ends_are_those_that_git_would_write(repo: Repo, how: str) -> None:
    if how == "attributes":
        repo.commit({".gitattributes": "*.txt text eol=crlf\n"})
    else:
        repo.git("config", "core.autocrlf", "true")
    repo.commit({"w.txt": LINES.replace("\n", "\r\n"), "v.txt": "v\r\n"})
    assert repo.git("cat-file", "-p", ":w.txt") == LINES.removesuffix("\n")
    opened = open_repository(repo.path)
    fix = store_fix(repo, {"w.txt": replaced("line 5\n", "five\n"), "v.txt": "V\n", "new.txt": "n\n"})
    repo.write({"w.txt": replaced("line 17\n", "seventeen\n").replace("\n", "\r\n")})
    before = tree(repo)
    assert apply(opened, fix).merged == ("w.txt",)
    assert text(repo, "v.txt") == "V\r\n"
    assert text(repo, "new.txt") == "n\r\n"
    both = replaced("line 5\n", "five\n", replaced("line 17\n", "seventeen\n"))
    assert text(repo, "w.txt") == both.replace("\n", "\r\n")
    undo(opened)
    assert tree(repo) == before


def test_a_file_that_is_stored_with_crlf_keeps_it(repo: Repo) -> None:
    crlf = LINES.replace("\n", "\r\n")
    repo.stage({"w.py": crlf})
    fix = store_fix(repo, {"w.py": crlf.replace("line 5", "five")})
    repo.write({"w.py": crlf.replace("line 17", "seventeen")})
    apply(open_repository(repo.path), fix)
    assert text(repo, "w.py") == crlf.replace("line 5", "five").replace("line 17", "seventeen")


def test_filters_of_the_user_are_run_as_at_a_checkout(repo: Repo) -> None:
    repo.git("config", "filter.loud.smudge", "tr a-z A-Z")
    repo.git("config", "filter.loud.clean", "tr A-Z a-z")
    repo.commit({".gitattributes": "*.loud filter=loud\n", "a.loud": "ABC\n"})
    fix = store_fix(repo, {"a.loud": "abcd\n"})
    apply(open_repository(repo.path), fix)
    assert text(repo, "a.loud") == "ABCD\n"
    undo(open_repository(repo.path))
    assert text(repo, "a.loud") == "ABC\n"


def test_an_executable_file_stays_one(repo: Repo, opened: Repository) -> None:
    repo.write({"run.sh": "#!/bin/sh\n", "old.sh": "#!/bin/sh\n"})
    for name in ("run.sh", "old.sh"):
        (repo.path / name).chmod(0o755)
    fix = store_fix(repo.stage(), {"run.sh": "#!/bin/sh\ntrue\n", "old.sh": None})
    apply(opened, fix)
    assert os.access(repo.path / "run.sh", os.X_OK)
    undo(opened)
    assert [stat.S_IMODE((repo.path / name).stat().st_mode) for name in ("run.sh", "old.sh")] == [0o755, 0o755]


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_names_of_any_bytes_are_applied(repo: Repo, opened: Repository) -> None:
    names = ["new\nline.py", "\x1b[31m.py", "-n", ":(top)", os.fsdecode(b"\xff.py"), '"quoted"', "back\\slash", "a\tb"]
    repo.stage(dict.fromkeys(names, LINES))
    fix = store_fix(repo, dict.fromkeys([n for n in names if "\\" not in n], replaced("line 5\n", "five\n")))
    repo.write(dict.fromkeys(names, LINES + "mine\n"))
    before = tree(repo)
    assert set(apply(opened, fix).merged) == set(names) - {"back\\slash"}
    assert text(repo, "-n") == replaced("line 5\n", "five\n") + "mine\n"
    undo(opened)
    assert tree(repo) == before


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_it_works_before_the_first_commit_and_in_either_object_format(tmp_path: Path, object_format: str) -> None:
    repo = Repo.create(tmp_path / "new", object_format=object_format, home=tmp_path / "home")
    repo.stage({"a.py": "one\n"})
    fix = store_fix(repo, {"a.py": "two\n"})
    opened = open_repository(repo.path)
    apply(opened, fix)
    assert text(repo, "a.py") == "two\n"
    undo(opened)
    assert text(repo, "a.py") == "one\n"


def test_each_linked_worktree_takes_its_own_back(repo: Repo, opened: Repository, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", repo.home)
    there = open_repository(linked.path)
    fix = store_fix(repo, {"a.py": "mended\n"})
    assert fixes.newest_for(there, staged(there).change.tree) == fix
    apply(opened, fix)
    with pytest.raises(RalphError, match="nothing to undo"):
        undo(there)
    apply(there, fix)
    undo(opened)
    assert (text(repo, "a.py"), text(linked, "a.py")) == ("one\ntwo\nthree\n", "mended\n")
    undo(there)
    assert text(linked, "a.py") == "one\ntwo\nthree\n"


def test_it_works_from_a_subfolder_and_beside_another_index(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.stage({"sub/a.py": "a\n"})
    fix = store_fix(repo, {"sub/a.py": "b\n"})
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.path / "other-index"))
    apply(open_repository(repo.path / "sub"), fix)
    assert text(repo, "sub/a.py") == "b\n"
    assert not (repo.path / "other-index").exists()


def test_hooks_of_the_user_do_not_run_and_no_reflog_is_written(repo: Repo, opened: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name in ("reference-transaction", "post-checkout", "post-index-change"):
        repo.hook(name, f"open({str(mark)!r}, 'w')")
    repo.git("config", "core.logAllRefUpdates", "always")
    mark.unlink(missing_ok=True)
    fix = store_fix(repo, {"a.py": "mended\n"})
    apply(opened, fix)
    undo(opened)
    assert not mark.exists()
    assert not (in_store(repo).path / "logs").exists()
    assert repo.git("for-each-ref") == f"{repo.git('rev-parse', 'HEAD')} commit\trefs/heads/main"


# What goes wrong on the way


def test_two_at_once_do_not_get_into_each_others_way(repo: Repo, opened: Repository) -> None:
    fix = store_fix(repo, {"a.py": "mended\n"})
    with journal.alone(opened) as alone:
        assert alone
        with pytest.raises(RalphError, match="another apply or undo is running"):
            apply(opened, fix)
        with pytest.raises(RalphError, match="another apply or undo is running"):
            undo(opened)
    assert apply(opened, fix).paths == ("a.py",)


def test_a_file_that_changes_between_the_look_and_the_replacing_is_left_to_the_user(repo: Repo) -> None:
    repo.commit({".gitattributes": "z.txt filter=busy\n", "z.txt": "z\n", "b.py": "b\n"})
    opened = open_repository(repo.path)
    fix = store_fix(repo, {"a.py": "mended\n", "b.py": "mended\n", "new.py": "new\n", "z.txt": "zz\n"})
    # The filter runs after the files were read, when somebody's editor may be at work as well.
    repo.git("config", "filter.busy.smudge", "printf mine > b.py; cat")
    before = tree(repo)
    with pytest.raises(NotApplied, match=r"b\.py was changed by another program"):
        apply(opened, fix)
    assert tree(repo) == {**before, "b.py": (before["b.py"][0], b"mine")}
    assert not journal.pending(opened)
    assert in_store(repo).git("for-each-ref", backups.PREFIX) == ""


LIMITED = """
import resource, signal, sys
from pathlib import Path
from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import apply
from ralph_hooks.git.snapshot import open_repository
opened = open_repository(Path(sys.argv[1]))
fix = fixes.every(opened)[0]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    apply(opened, fix)
except RalphError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("limit", [0, 100, 6000])
def test_a_full_disk_changes_nothing_and_is_told(repo: Repo, opened: Repository, limit: int) -> None:
    """The limit stops git's objects, the journal, or the second file's temporary, by its size."""
    repo.stage({"b.py": "b\n"})
    store_fix(repo, {"a.py": "mended\n", "b.py": "".join(f"{n * 7919 % 10007}\n" for n in range(3000))})
    before = tree(repo)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(repo.path), str(limit)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert done.stdout.strip(), "it was not told"
    assert tree(repo) == before
    assert recover(opened) == ""
    assert in_store(repo).git("for-each-ref", backups.PREFIX) == ""


def test_a_workbench_and_an_apply_leave_nothing_in_the_temporary_folder(
    opened: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with GitWorkbench(opened, staged(opened).change, timeout=60) as bench:
        bench.write({"a.py": b"mended\n"})
        fix = bench.store(summary="s", verified=True)
    apply(opened, fix)
    undo(opened)
    assert list(folder.iterdir()) == []
