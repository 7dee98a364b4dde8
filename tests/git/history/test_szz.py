"""Labels from history: who wrote what a fix removed, and who lived untouched."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from ralph_hooks.core.backtest import ChangeLabel, Example, Lines
from ralph_hooks.git.history import szz
from ralph_hooks.git.history.szz import blamed, is_fix
from ralph_hooks.git.snapshot import open_repository
from tests.support.histories import DAY, commit
from tests.support.repo import Repo

CHANGE = "import os\n\n\ndef change(paid, due):\n"
DEV = Path(__file__).parents[3] / "../shared/data/szz_introducing_dev.jsonl.xz"


def examples(repo: Repo) -> tuple[Example, ...]:
    repository = open_repository(repo.path)
    return szz.examples(repository, szz.history(repository, "HEAD"))


@pytest.fixture
def history(tmp_path: Path) -> tuple[Repo, dict[str, str]]:
    repo = Repo.create(tmp_path / "shop", home=tmp_path / "home")
    made = {"start": commit(repo, 0, "Begin", {"pay.py": "import os\n", "README.md": "shop\n"})}
    made["good"] = commit(repo, 1, "Add total", {"total.py": "def total(items):\n    return sum(items)\n"})
    made["bad"] = commit(
        repo,
        2,
        "Add change",
        {"pay.py": "import os\n\n\ndef change(paid, due):\n    # pennies\n    return due - paid\n"},
    )
    made["docs"] = commit(repo, 3, "Fix the spelling in docs", {"README.md": "a shop\n"})
    made["fix"] = commit(
        repo,
        30,
        "Fix change: it was negative",
        {"pay.py": "import os\n\n\ndef change(paid, due):\n    return paid - due\n"},
    )
    made["last"] = commit(repo, 900, "Add tax", {"tax.py": "TAX = 0.19\n"})
    return repo, made


def test_the_commit_that_wrote_what_a_fix_removed_is_the_bad_one_with_its_lines(
    history: tuple[Repo, dict[str, str]],
) -> None:
    repo, made = history
    found = {example.id: example for example in examples(repo)}
    bad = found[made["bad"]]
    assert bad.label is ChangeLabel.BUGGY
    assert bad.wrong == {"pay.py": Lines(frozenset({6}))}  # the comment that went with it is no bug
    assert [entry.path for entry in bad.entries] == ["pay.py"]


def test_a_commit_that_lived_untouched_for_long_is_clean_and_a_young_one_is_neither(
    history: tuple[Repo, dict[str, str]],
) -> None:
    repo, made = history
    found = {example.id: example.label for example in examples(repo)}
    assert found == {made["bad"]: ChangeLabel.BUGGY, made["good"]: ChangeLabel.CLEAN}


def test_a_fix_is_told_by_its_subject() -> None:
    assert is_fix("Fix #2")
    assert is_fix("fixes crash on empty input")
    assert is_fix("Repair a regression in paging")
    assert not is_fix("Add a prefix")
    assert not is_fix("Fix typo")
    assert not is_fix("fix flake8 warnings")


def test_a_renamed_file_is_blamed_under_its_old_name(tmp_path: Path) -> None:
    repo = Repo.create(tmp_path / "shop", home=tmp_path / "home")
    body = "\n".join(f"line_{n} = {n}" for n in range(20))
    commit(repo, 0, "Begin", {"a.txt": "x\n"})
    bad = commit(repo, 1, "Add", {"old.py": f"{body}\nwrong = 1\n"})
    commit(repo, 2, "Rename", {"old.py": None, "new.py": f"{body}\nwrong = 1\n"})
    commit(repo, 3, "Fix wrong", {"new.py": f"{body}\nright = 1\n"})
    (found,) = [each for each in examples(repo) if each.label is ChangeLabel.BUGGY]
    assert found.id == bad
    assert found.wrong == {"old.py": Lines(frozenset({21}))}


@pytest.mark.skipif(not DEV.exists(), reason=f"{DEV} is missing")
def test_labelled_real_bugs_are_found_again(tmp_path: Path) -> None:
    """Where a recorded fix applies to the recorded change directly, the same lines are blamed."""
    checked = same = 0
    with lzma.open(DEV, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    for number, record in enumerate(records):
        repo = Repo.create(tmp_path / str(number), home=tmp_path / "home")
        commit(repo, 0, "Begin", {".keep": "", **({record["path"]: record["before"]} if record["before"] else {})})
        bad = commit(repo, 1, record["message"].splitlines()[0] or "x", {record["path"]: record["after"]})
        if repo.try_git("apply", "--index", "-", stdin=record["fix_diff"].encode()).returncode:
            continue  # other commits lie between the two
        when = f"{1_600_000_000 + 9 * DAY} +0000"
        repo.git("commit", "-q", "-m", "Fix", env={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when})
        repository = open_repository(repo.path)
        (fix, *_) = szz.history(repository, "HEAD")
        lines = {line for oid, path, line in blamed(repository, fix) if (oid, path) == (bad, record["path"])}
        checked += 1
        same += set(record["bug_lines_after"]) <= lines or (lines <= set(record["bug_lines_after"]) and bool(lines))
    assert checked >= 20
    assert same / checked >= 0.9
