"""Calls of a coding agent's hook, and what it is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from tests.support.project import Project, Ran
from tests.support.server import Finds

CODE = "def total(items):\n    out = 0\n    for item in items[:-1]:\n        out += item\n    return out\n"


GOOD = CODE.replace("[:-1]", "")


BUG = Finds("items[:-1]", "The last item is left out.")


NAMES = tuple(CONVENTIONS)


every_agent = pytest.mark.parametrize("name", NAMES)


def call(name: str, project: Project, *, session: str = "s1", again: bool = False, **more: object) -> bytes:
    """What the agent says, as it documents it."""
    cwd = str(project.repo.path)
    said: dict[str, Any] = {
        "claude-code": {
            "session_id": session, "transcript_path": "/t.jsonl", "cwd": cwd, "permission_mode": "default",
            "hook_event_name": "Stop", "stop_hook_active": again, "last_assistant_message": "Done.",
        },
        "codex": {"session_id": session, "cwd": cwd, "hook_event_name": "Stop", "stop_hook_active": again},
        "cursor": {
            "conversation_id": session, "generation_id": "g", "hook_event_name": "stop", "workspace_roots": [cwd],
            "status": "completed", "loop_count": int(again),
        },
        "gemini-cli": {
            "session_id": session, "cwd": cwd, "hook_event_name": "AfterAgent", "prompt": "p", "prompt_response": "r",
            "stop_hook_active": again, "timestamp": "2026-11-29T13:00:00Z",
        },
        "copilot": {
            "sessionId": session, "timestamp": 1, "cwd": cwd, "transcriptPath": "/t", "stopReason": "end_turn",
            "stop_hook_active": again,
        },
    }[name]  # fmt: skip
    return json.dumps({**said, **more}).encode()


def hook(project: Project, name: str = "claude-code", **said: Any) -> Ran:  # noqa: ANN401 - JSON
    return project.run("agent-hook", name, stdin=call(name, project, **said))


def blocked(name: str, done: Ran) -> str:
    """The report that sends the agent back; empty if it may end."""
    if name == "claude-code":
        return done.err if done.code == 2 else ""
    assert done.code == 0
    said = json.loads(done.out or "{}")
    if name == "cursor":
        return str(said.get("followup_message", ""))
    assert said.get("decision") in {None, "deny" if name == "gemini-cli" else "block"}
    return str(said.get("reason", ""))


def told(name: str, done: Ran) -> str:
    """What the person reads."""
    assert done.code == 0
    if name == "cursor":
        assert json.loads(done.out) == {}
        return done.err
    said = json.loads(done.out)
    assert "decision" not in said
    return str(said["message" if name == "copilot" else "systemMessage"])
