"""The commits of a range."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.errors import GitError, RalphError
from ralph_hooks.git.history import szz
from ralph_hooks.git.snapshot import open_repository
from tests.support.histories import commit
from tests.support.repo import Repo


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


def test_a_range_that_is_not_there_or_no_range_is_an_error(history: tuple[Repo, dict[str, str]]) -> None:
    repository = open_repository(history[0].path)
    with pytest.raises(GitError):
        szz.history(repository, "v9..main")
    with pytest.raises(RalphError):
        szz.history(repository, "--output=/tmp/x")
