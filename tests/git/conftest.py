"""Every test here works on real repositories, away from the configuration of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.git.snapshot import Repository, open_repository
from tests.support.repo import Repo, isolate


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    isolate(monkeypatch, home)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit of one file."""
    made = Repo.create(tmp_path / "project", home=tmp_path / "home")
    made.commit({"a.py": "one\ntwo\nthree\n"})
    return made


@pytest.fixture
def opened(repo: Repo) -> Repository:
    return open_repository(repo.path)
