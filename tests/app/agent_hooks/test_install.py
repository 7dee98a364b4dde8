"""Our hook comes into an agent's settings and goes out again, byte for byte."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS, Convention
from tests.support.project import Project

every_agent = pytest.mark.parametrize("agent", CONVENTIONS.values(), ids=lambda agent: agent.name)
THEIRS = """\
{
    "permissions": { "allow": ["Bash(ls:*)"],   "deny": [] },

    "hooks": {
        "%s": [
            { "hooks": [ { "type": "command", "command": "say done" } ] }
        ]
    },
    "model": "opus"
}
"""


def files(project: Project) -> dict[str, bytes]:
    return {
        path.relative_to(project.repo.path).as_posix(): path.read_bytes()
        for path in project.repo.path.rglob("*")
        if path.is_file() and "/.git/" not in str(path)
    }


def install(project: Project, agent: Convention, *, undo: bool = False) -> str:
    done = project.run("uninstall" if undo else "install", "--agent", agent.name)
    assert done.code == 0, done.err
    return done.out


@every_agent
def test_a_new_file_is_as_the_agent_documents_it_and_goes_away_again(project: Project, agent: Convention) -> None:
    before = files(project)
    assert agent.file in install(project, agent)
    written = json.loads((project.repo.path / agent.file).read_text())
    command = f"if command -v ralph-hooks >/dev/null 2>&1; then ralph-hooks agent-hook {agent.name}; fi"
    wanted = {
        "claude-code": {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command, "timeout": 300}]}]}},
        "codex": {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command, "timeout": 300}]}]}},
        "cursor": {"version": 1, "hooks": {"stop": [{"command": command, "timeout": 300, "loop_limit": 5}]}},
        "gemini-cli": {
            "hooks": {
                "AfterAgent": [
                    {"hooks": [{"name": "ralph-hooks", "type": "command", "command": command, "timeout": 300000}]}
                ]
            }
        },
        "copilot": {
            "version": 1,
            "hooks": {
                "agentStop": [
                    {
                        "type": "command",
                        "bash": command,
                        "powershell": "ralph-hooks agent-hook copilot",
                        "timeoutSec": 300,
                    }
                ]
            },
        },
    }
    assert written == wanted[agent.name]
    assert "already installed" in install(project, agent)
    assert json.loads((project.repo.path / agent.file).read_text()) == written
    install(project, agent, undo=True)
    assert files(project) == before
    assert not (project.repo.path / agent.file).parent.exists()
    assert "not installed" in install(project, agent, undo=True)


@every_agent
def test_settings_that_are_there_come_back_byte_for_byte(project: Project, agent: Convention) -> None:
    path = project.repo.path / agent.file
    path.parent.mkdir(parents=True)
    path.write_text(THEIRS % agent.event)
    path.chmod(0o640)
    install(project, agent)
    after = path.read_text()
    assert json.loads(after)["hooks"][agent.event][0] == json.loads(THEIRS % agent.event)["hooks"][agent.event][0]
    assert '"permissions": { "allow": ["Bash(ls:*)"],   "deny": [] },\n\n' in after
    assert path.stat().st_mode & 0o777 == 0o640
    install(project, agent, undo=True)
    assert path.read_text() == THEIRS % agent.event


@every_agent
def test_what_was_edited_in_between_stays(project: Project, agent: Convention) -> None:
    path = project.repo.path / agent.file
    path.parent.mkdir(parents=True)
    path.write_text(THEIRS % agent.event)
    install(project, agent)
    path.write_text(path.read_text().replace("opus", "haiku"))
    assert "keeps your edits" in install(project, agent, undo=True)
    assert path.read_text() == (THEIRS % agent.event).replace("opus", "haiku")


@pytest.mark.parametrize("text", ['// mine\n{"hooks": {}}', '{"hooks": []}', "[]"])
def test_a_file_that_cannot_be_edited_is_left_alone_and_told(project: Project, text: str) -> None:
    path = project.repo.path / ".gemini" / "settings.json"
    path.parent.mkdir()
    path.write_text(text)
    done = project.run("install", "--agent", "gemini-cli")
    assert done.code == 2
    assert "cannot be edited" in done.err
    assert "add this to hooks.AfterAgent yourself" in done.err
    assert path.read_text() == text


def test_doctor_looks_at_it(project: Project) -> None:
    project.configure("[tool.ralph-hooks]\n")
    assert "agent-hook" not in project.run("doctor", "--offline").out
    install(project, CONVENTIONS["claude-code"])
    assert "its work is reviewed when it finishes a turn" in project.run("doctor", "--offline").out
    path = project.repo.path / ".claude" / "settings.json"
    path.write_text(path.read_text().replace('"Stop"', '"stop"'))
    assert "runs ralph-hooks at another event than Stop" in project.run("doctor", "--offline").out
