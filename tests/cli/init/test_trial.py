"""The commit hook is tried before init says that it works."""

from __future__ import annotations

import pytest

from ralph_hooks.app.context import load_context
from ralph_hooks.cli.init.trial import try_commit_hook
from tests.support.project import Project


@pytest.fixture(autouse=True)
def _no_models(project: Project) -> None:
    project.configure("[tool.ralph-hooks]\n")


def test_hook_works_once_it_is_installed(project: Project) -> None:
    assert not try_commit_hook(load_context()).works
    assert project.run("install").code == 0
    assert try_commit_hook(load_context()).works


def test_hook_whose_interpreter_is_gone_does_not_work(project: Project) -> None:
    assert project.run("install").code == 0
    hook = project.repo.path / ".git/hooks/pre-commit"
    text = hook.read_text(encoding="utf-8")
    hook.write_text("#!/bin/sh\nexec no-such-program gate\n", encoding="utf-8")
    broken = try_commit_hook(load_context())
    assert (broken.works, bool(broken.hint)) == (False, True)
    hook.write_text(text, encoding="utf-8")
    assert try_commit_hook(load_context()).works
