"""A fix is merged into files that were edited since."""

from __future__ import annotations

import pytest

from ralph_hooks.git.fixes import journal
from ralph_hooks.git.fixes.apply import Applied, NotApplied, apply, undo
from ralph_hooks.git.snapshot import Repository
from tests.support.applying import LINES, replaced, text
from tests.support.fixes import in_store, store_fix, tree
from tests.support.repo import Repo


def test_later_edits_elsewhere_in_the_file_are_kept(repo: Repo, opened: Repository) -> None:
    repo.stage({"a.py": LINES})
    fix = store_fix(repo, {"a.py": replaced("line 5\n", "five\n")})
    repo.write({"a.py": replaced("line 17\n", "seventeen\n")})
    assert apply(opened, fix) == Applied(fix.id, ("a.py",), merged=("a.py",))
    assert text(repo, "a.py") == replaced("line 5\n", "five\n", replaced("line 17\n", "seventeen\n"))
    repo.write({"a.py": text(repo, "a.py") + "more\n"})
    assert undo(opened) == Applied(fix.id, ("a.py",), merged=("a.py",))
    assert text(repo, "a.py") == replaced("line 17\n", "seventeen\n") + "more\n"


@pytest.mark.parametrize(
    ("edited", "where"),
    [
        ({"a.py": replaced("line 9\n", "neun\n")}, "a.py:9 has your edits on the same lines"),
        ({"a.py": "new\nhead\n" + replaced("line 9\n", "neun\n")}, "a.py:11 has your edits on the same lines"),
        ({"a.py": replaced("line 8\nline 9\nline 10\n", "")}, "a.py:8 has your edits on the same lines"),
        ({"a.py": None}, "a.py was removed by you, so it cannot be merged"),
        ({"b.py": "b\nmine\n"}, "b.py:2 would be removed, but you changed it"),
        ({"new.py": "mine\n"}, "new.py:1 already exists with other content"),
        ({"bin": b"\0mine"}, "bin is binary, and changed on both sides"),
    ],
)
def test_a_conflict_changes_nothing_and_says_where(
    repo: Repo, opened: Repository, edited: dict[str, str | bytes | None], where: str
) -> None:
    repo.stage({"a.py": LINES, "b.py": "b\n", "bin": b"\0one", "c.py": "c\n"})
    wanted: dict[str, str | None] = {
        "a.py": replaced("line 4\n", "4\ncuatro\n", replaced("line 9\n", "nine\n")),
        "b.py": None,
    }
    fix = store_fix(repo, {**wanted, "new.py": "new\n", "bin": "\0two", "c.py": "mended\n"})
    repo.write(edited)
    before, refs = tree(repo), in_store(repo).git("for-each-ref")
    with pytest.raises(NotApplied, match="nothing was changed") as caught:
        apply(opened, fix)
    assert where in caught.value.message
    assert (tree(repo), in_store(repo).git("for-each-ref")) == (before, refs)
    assert not journal.pending(opened)
