"""Git is run, and its errors are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo


def test_a_machine_without_git_is_told_to_install_it(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitError, match="git was not found") as caught:
        open_repository(repo.path)
    assert "install git" in caught.value.hint


def test_a_git_that_is_too_old_is_told_apart(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin/git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho --path-format=absolute\necho false\necho --show-object-format\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    with pytest.raises(GitError, match="too old"):
        open_repository(repo.path)


def test_an_error_of_git_has_its_command_code_and_words(repo: Repo) -> None:
    with pytest.raises(GitError, match=r"git cat-file failed with exit code 128: Not a valid object name nope"):
        git(["cat-file", "blob", "nope"], cwd=repo.path)
