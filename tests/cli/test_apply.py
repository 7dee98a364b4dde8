"""apply, undo and show as a user sees them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralph_hooks.git.fixes import backups, journal
from ralph_hooks.git.fixes.journal import Journal
from ralph_hooks.git.fixes.working_tree import FileStep
from ralph_hooks.git.snapshot import open_repository
from tests.support.fixes import store_fix, tree
from tests.support.project import BIN, Project, new_project

LINES = "".join(f"line {n}\n" for n in range(1, 21))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made


def text(project: Project, path: str) -> str:
    return (project.repo.path / path).read_text(encoding="utf-8")


def test_a_fix_is_shown_applied_and_taken_back(project: Project) -> None:
    project.repo.stage({"a.py": "one\nTWO\n", "b.py": "b\n"})
    fix = store_fix(project.repo, {"a.py": "one\ntwo\n", "b.py": None}, summary="Lower the voice\n\nIt was loud.")
    shown = project.run("show", fix.id)
    assert shown.code == 0
    for words in ("for:      staged change", "2 files +1 -2", "verified: yes", "    It was loud.", "-TWO", "+two"):
        assert words in shown.out
    assert "`ralph-hooks apply` applies it" in shown.out
    applied = project.run("apply")
    assert (applied.code, applied.err) == (0, "")
    assert applied.out.splitlines()[:3] == [f"Applied fix {fix.id} to 2 files:", "  a.py", "  b.py"]
    assert text(project, "a.py") == "one\ntwo\n"
    assert project.run("apply").out == f"Fix {fix.id} is already in your working tree: nothing was changed.\n"
    undone = project.run("undo")
    assert (undone.code, undone.out) == (0, f"Reverted fix {fix.id} in 2 files:\n  a.py\n  b.py\n")
    assert text(project, "a.py") == "one\nTWO\n"
    again = project.run("undo")
    assert (again.code, again.out) == (2, "")
    assert "nothing to undo" in again.err


def test_a_fix_of_an_earlier_state_is_named_and_not_taken_unasked(project: Project) -> None:
    empty = project.run("apply")
    assert (empty.code, "no fix is stored for this repository" in empty.err) == (2, True)
    project.repo.stage({"a.py": LINES})
    fix = store_fix(project.repo, {"a.py": LINES.replace("line 5\n", "five\n")})
    project.repo.stage({"a.py": LINES.replace("line 17\n", "seventeen\n")})
    refused = project.run("apply")
    assert (refused.code, refused.out) == (2, "")
    assert f"`ralph-hooks apply {fix.id}` merges it" in refused.err
    merged = project.run("apply", fix.id[:4])
    assert (merged.code, "a.py (merged with your own edits)" in merged.out) == (0, True)
    assert text(project, "a.py") == LINES.replace("line 5\n", "five\n").replace("line 17\n", "seventeen\n")


def test_a_conflict_is_a_rejection_with_file_and_line(project: Project) -> None:
    project.repo.stage({"a.py": LINES})
    store_fix(project.repo, {"a.py": LINES.replace("line 5\n", "five\n")})
    project.repo.write({"a.py": LINES.replace("line 5\n", "mine\n")})
    refused = project.run("apply")
    assert (refused.code, refused.out) == (1, "")
    assert "a.py:5 has your edits on the same lines" in refused.err
    assert "nothing was changed" in refused.err


def test_nothing_of_a_fix_drives_the_terminal(project: Project) -> None:
    project.repo.stage({"a.py": "a\n"})
    fix = store_fix(project.repo, {"a.py": "\x1b[31mred\u202e\n"}, summary="\x1b]0;evil\x07 done")
    for args in (("show", fix.id), ("show", "--list"), ("apply",)):
        done = project.run(*args)
        assert done.code == 0
        assert not {"\x1b", "\x07", "\u202e"}.intersection(done.out + done.err)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_diff_is_coloured_on_a_terminal_alone(project: Project) -> None:
    project.repo.stage({"a.py": "a\n"})
    fix = store_fix(project.repo, {"a.py": "b\n"})
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [BIN / "ralph-hooks", "show", fix.id],
        cwd=project.repo.path, env={**project.environ, "TERM": "xterm"}, stdout=theirs,
    ):  # fmt: skip
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
    os.close(ours)
    assert b"\x1b[32m+b\x1b[0m" in seen
    assert "\x1b" not in project.program("show", fix.id).out


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux tells the end of a terminal
        return b""


def test_a_stored_fix_is_no_report(project: Project) -> None:
    project.repo.stage({"a.py": "a\n"})
    fix = store_fix(project.repo, {"a.py": "b\n"})
    assert project.run("show", fix.id, "--format", "sarif").code == 2
    assert "+b" in project.run("show", fix.id, "--format", "agent").out


# After a crash


def interrupted(project: Project) -> None:
    """An apply that was killed after the first of two files."""
    opened = open_repository(project.repo.path)
    steps = [FileStep(path=path, before=b"before\n", after=b"after\n") for path in ("a.py", "b.py")]
    record = backups.record(opened, steps, "1a2b3c4d")
    with journal.alone(opened):
        journal.write(opened, Journal(action="apply", fix="1a2b3c4d", record=record, ref=f"{backups.PREFIX}1a2b3c4d"))
    project.repo.write({"a.py": "after\n"})


def test_the_next_command_finishes_what_was_interrupted(project: Project) -> None:
    project.repo.stage({"a.py": "before\n", "b.py": "before\n"})
    interrupted(project)
    done = project.run("show", "--list")
    assert "an interrupted apply of fix 1a2b3c4d was completed" in done.err
    assert (text(project, "a.py"), text(project, "b.py")) == ("after\n", "after\n")
    assert project.run("show", "--list").err == ""
    assert project.run("undo").code == 0
    assert (text(project, "a.py"), text(project, "b.py")) == ("before\n", "before\n")


def test_what_was_edited_since_a_crash_is_left_and_the_rest_taken_back(project: Project) -> None:
    project.repo.stage({"a.py": "before\n", "b.py": "before\n"})
    interrupted(project)
    project.repo.write({"b.py": "mine\n"})
    done = project.run("show", "--list")
    assert "was rolled back; edited since and left unchanged: b.py" in done.err
    assert (text(project, "a.py"), text(project, "b.py")) == ("before\n", "mine\n")


@pytest.mark.parametrize("variable", ["PRE_COMMIT", "GIT_INDEX_FILE", "GIT_PREFIX"])
def test_a_hook_writes_nothing_even_then(project: Project, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    project.repo.stage({"a.py": "before\n", "b.py": "before\n"})
    interrupted(project)
    before = tree(project.repo)
    monkeypatch.setenv(variable, str(project.repo.path / ".git/index"))
    judged = project.run("gate")
    assert "an `apply` was interrupted" in judged.err
    assert tree(project.repo) == before


def test_a_journal_that_cannot_be_read_is_told_with_the_way_out(project: Project) -> None:
    project.repo.stage({"a.py": "before\n", "b.py": "before\n"})
    interrupted(project)
    (project.repo.path / ".git/ralph-hooks/journal").write_text("{")
    done = project.run("undo")
    assert (done.code, "journal" in done.err, "refs/ralph/backup/" in done.err) == (2, True, True)
