"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralph_hooks.providers import registry
from ralph_hooks.providers.defaults import defaults
from tests.support.ports import free_port
from tests.support.project import Project


@pytest.fixture
def alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository without configuration, on a machine without keys, agents and servers."""
    project.repo.commit({"pyproject.toml": None})
    for provider in registry.built_in().values():
        monkeypatch.delenv(provider.api_key_env or "NONE", raising=False)
    agents = {registry.built_in()[name].command[0] for name in defaults().agents}
    folders = os.environ["PATH"].split(os.pathsep)
    kept = [folder for folder in folders if not any((Path(folder) / agent).exists() for agent in agents)]
    monkeypatch.setenv("PATH", os.pathsep.join(kept))
    port = free_port()
    local = [name for name, provider in registry.built_in().items() if provider.base_url.startswith("http:")]
    project.write_user("".join(f'[providers.{name}]\nbase-url = "http://127.0.0.1:{port}/v1"\n' for name in local))
