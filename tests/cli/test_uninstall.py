"""`uninstall` takes our hooks out again."""

from __future__ import annotations

import pytest

from tests.support.project import Project


@pytest.fixture(autouse=True)
def _no_models(project: Project) -> None:
    project.configure("[tool.ralph-hooks]\n")


def test_hooks_are_gone_and_what_was_there_is_back(project: Project) -> None:
    hooks = project.repo.path / ".git/hooks"
    theirs = project.repo.hook("pre-commit", "raise SystemExit(0)\n")
    before = theirs.read_bytes()
    assert project.run("install").code == 0
    assert theirs.read_bytes() != before
    assert project.run("uninstall").code == 0
    assert theirs.read_bytes() == before
    assert [path.name for path in hooks.iterdir() if not path.name.endswith(".sample")] == ["pre-commit"]


def test_wrong_configuration_keeps_no_hook(project: Project) -> None:
    assert project.run("install").code == 0
    project.configure("[tool.ralph-hooks\n")
    assert project.run("uninstall").code == 0
    assert not (project.repo.path / ".git/hooks/pre-commit").exists()
