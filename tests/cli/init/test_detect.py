"""Detection of keys, servers, agents and tests by init."""

from __future__ import annotations

import pytest

from ralph_hooks.app.context import load_context
from ralph_hooks.cli.init.detect import NATIVE, detect
from tests.support.project import Project

pytestmark = pytest.mark.usefixtures("alone")


def test_bare_repository_has_nothing() -> None:
    found = detect(load_context())
    assert (found.keys, dict(found.servers), found.agents, found.manager) == ((), {}, (), NATIVE)
    assert (found.tests.suites, found.linters, dict(found.phase_map)) == ((), (), {})


def test_keys_managers_and_tests_are_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "sk-made-up-0123456789abcdef")
    project.repo.write({"lefthook.yml": "", "Makefile": "test:\n\ttrue\n"})
    found = detect(load_context())
    assert found.keys == ("GROQ_API_KEY",)
    assert (found.manager, found.manager_file) == ("lefthook", project.repo.path.resolve() / "lefthook.yml")
    assert [suite.line for suite in found.tests.suites] == ["make test"]
