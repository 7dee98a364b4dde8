"""Fake coding agents on PATH (`tests.support.agent_program`) with a chosen behaviour."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import agent_program
from tests.support.server import ModelServer
from tests.support.stand_in import executable

PROGRAMS = {
    "claude-code": "claude",
    "codex": "codex",
    "gemini-cli": "gemini",
    "copilot": "copilot",
    "opencode": "opencode",
}
"""The program of each built-in agent that answers questions."""


class Agent:
    """One agent that is installed, whose answers come from ``server``."""

    def __init__(self, folder: Path, name: str, server: ModelServer) -> None:
        self.name = name
        self.program = PROGRAMS[name]
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        (self.folder / "server").write_text(server.url)
        self.behave("fine")
        script = (
            f'#!/bin/sh\nexec "{sys.executable}" -P "{agent_program.__file__}" {self.program} "{self.folder}" "$@"\n'
        )
        self.bin = executable(folder / "agents" / self.program, script).parent

    def behave(self, behaviour: str) -> None:
        """From now on: see `tests.support.agent_program`."""
        (self.folder / "behaviour").write_text(behaviour)

    def repairs(self, old: str, new: str) -> None:
        """Set the edit that it makes as a repair."""
        (self.folder / "repair").write_text(f"{old}\n{new}")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The records of all its starts."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def install(monkeypatch: pytest.MonkeyPatch, agent: Agent) -> Agent:
    """Put ``agent`` before everything else on PATH."""
    monkeypatch.setenv("PATH", f"{agent.bin}{os.pathsep}{os.environ['PATH']}")
    return agent
