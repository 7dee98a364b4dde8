"""An agent that wants to end its turn is sent back with the report, in its own convention, and never for our faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.locks import acquire
from tests.support.agent_program import DOLLARS
from tests.support.agents import Agent, install
from tests.support.project import Project, Ran
from tests.support.repairs import Crew, plan
from tests.support.server import Finds, ModelServer, Reply, Request, analyst

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


@pytest.fixture
def reviewed(project: Project) -> ModelServer:
    """A model reviews, and a bug is in a new file that nobody has staged."""
    server = project.models(analyst(BUG))
    project.repo.write({"a.py": CODE})
    return server


@every_agent
def test_a_rejection_sends_the_agent_back_with_the_report(name: str, project: Project, reviewed: ModelServer) -> None:
    report = blocked(name, hook(project, name))
    assert report.startswith("ralph-hooks: FAIL 1 blocking\n")
    assert "a.py:3" in report
    assert BUG.message in report
    assert report.rstrip().splitlines()[-1].startswith("next: fix the code, then `ralph-hooks gate --worktree")
    assert len(reviewed.requests) == 2


@every_agent
def test_a_pass_says_nothing(name: str, project: Project, reviewed: ModelServer) -> None:
    project.repo.write({"a.py": GOOD})
    done = hook(project, name)
    assert blocked(name, done) == ""
    assert done.code == 0
    assert json.loads(done.out or "{}") == {}
    assert len(reviewed.requests) == 1


@every_agent
@pytest.mark.parametrize("trouble", ["configuration", "key", "outage", "trust", "no repository"])
def test_our_own_trouble_sends_nobody_back_and_is_told(
    name: str, trouble: str, project: Project, reviewed: ModelServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more: dict[str, object] = {}
    match trouble:
        case "configuration":
            project.repo.write({"pyproject.toml": "[tool.ralph-hooks]\nchaep = 'a/b'\n"})
        case "key":
            monkeypatch.delenv("SCRIPTED_KEY")
        case "outage":
            project.models(Reply.status(503))
        case "trust":
            project.repo.write({"pyproject.toml": '[tool.ralph-hooks]\nverify.commands = ["true"]\n'})
        case "no repository":
            (tmp_path / "elsewhere").mkdir()
            more = {"cwd": str(tmp_path / "elsewhere"), "workspace_roots": [str(tmp_path / "elsewhere")]}
            if name == "cursor":
                del more["cwd"]
    done = hook(project, name, **more)
    said = told(name, done)
    assert said.startswith("ralph-hooks")
    assert {
        "configuration": "chaep",
        "key": "SCRIPTED_KEY",
        "outage": "503",
        "trust": "ralph-hooks trust",
        "no repository": "not a git repository",
    }[trouble] in said
    assert "Traceback" not in done.out + done.err
    assert reviewed.requests == [] or trouble == "outage"


@every_agent
def test_the_same_files_are_not_refused_twice(name: str, project: Project, reviewed: ModelServer) -> None:
    assert blocked(name, hook(project, name))
    assert "has changed nothing" in told(name, hook(project, name, again=True))
    assert "has changed nothing" in told(name, hook(project, name))
    assert blocked(name, hook(project, name, session="another"))
    assert len(reviewed.requests) == 2


def test_an_agent_is_sent_back_three_times_in_a_row_at_most(project: Project, reviewed: ModelServer) -> None:
    for turn in range(3):
        project.repo.write({"a.py": CODE + f"# {turn}\n"})
        assert blocked("claude-code", hook(project, again=turn > 0)), turn
    project.repo.write({"a.py": CODE + "# more\n"})
    assert "3 times in a row" in told("claude-code", hook(project, again=True))
    assert blocked("claude-code", hook(project, again=False))  # the next turn begins anew
    assert reviewed.requests


def test_only_what_changed_since_costs_anything(project: Project, reviewed: ModelServer) -> None:
    project.repo.write({"b.py": "def half(n):\n    return n / 2\n"})
    assert blocked("claude-code", hook(project))
    before = len(reviewed.requests)
    project.repo.write({"a.py": GOOD})
    assert hook(project, again=True).code == 0
    assert len(reviewed.requests) == before + 1
    project.repo.git("add", "--all")
    assert project.judge().sent == []  # nor does the commit


def test_a_turn_that_the_person_ended_is_not_judged(project: Project, reviewed: ModelServer) -> None:
    for status in ("aborted", "error"):
        assert blocked("cursor", hook(project, "cursor", status=status)) == ""
    assert reviewed.requests == []


def test_an_agent_of_ours_is_not_judged(
    project: Project, reviewed: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the user's settings, and would call us for every question."""
    monkeypatch.setenv("RALPH_HOOKS_PROGRAM", "1")
    assert hook(project) == Ran(0, "", "")
    assert reviewed.requests == []


@pytest.mark.parametrize(
    "said", [b"", b"{", b"[]", b"\xff", b'{"cwd": 3}', b'\xef\xbb\xbf{"session_id": "x"}', b"[" * 99_999]
)
def test_whatever_it_says_it_gets_an_answer(project: Project, reviewed: ModelServer, said: bytes) -> None:
    done = project.run("agent-hook", "claude-code", stdin=said)
    assert done.code == 2
    assert reviewed.requests


def test_one_review_at_a_time(project: Project, reviewed: ModelServer) -> None:
    hook(project)
    (path,) = (project.home / "state" / "agents").glob("*.lock")
    lock = acquire(path)
    assert lock is not None
    project.repo.write({"a.py": CODE + "# new\n"})
    before = len(reviewed.requests)
    with lock:
        assert "is already reviewing this repository" in told("claude-code", hook(project))
    assert len(reviewed.requests) == before


def test_a_subscription_is_all_it_takes(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for claude on PATH and no key: found, proved, blocked in its own hook, repaired, passed."""
    good = "def total(items):\n    return sum(items[index] for index in range(len(items)))\n"
    bad = good.replace("range(len(items))", "range(len(items) + 1)")
    bug = Finds("range(len(items) + 1)", "It reads beyond the last item.")
    test = "from a import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    reproducer = {"id": "C1", "test": test, "asserts": "total([1, 2]) is 3", "because": "", "cannot": ""}
    for name in [name for name in os.environ if name.endswith("_KEY")]:
        monkeypatch.delenv(name)
    project.repo.commit({"pyproject.toml": None})

    def reviewer(request: Request) -> Reply:
        if "TEST FILE: " in request.prompt:
            return Reply.json_text({"reproducers": [reproducer]})
        mended = "+ 1" not in request.prompt
        return Crew(bug, planned=plan("a.py"), holds=lambda _: not mended)(request)

    with ModelServer(reviewer) as server:
        agent = install(monkeypatch, Agent(tmp_path / "agents", "claude-code", server))
        agent.repairs("range(len(items) + 1)", "range(len(items))")
        project.repo.write({"a.py": good})
        said = project.run("init", "--yes", "--no-tests", "--agent-rules")
        assert said.code == 0, said.err
        assert "claude-code reviews on your subscription, within its limits" in said.out
        assert 'cheap = "claude-code/haiku"' in said.out
        assert "claude-code's own hook, in .claude/settings.json" in said.out
        assert "ralph-hooks gate --worktree --format agent" in (project.repo.path / "AGENTS.md").read_text()
        settings = json.loads((project.repo.path / ".claude" / "settings.json").read_text())
        (entry,) = settings["hooks"]["Stop"][0]["hooks"]
        assert entry["command"].endswith("then ralph-hooks agent-hook claude-code; fi")
        project.repo.git("add", "--all")
        project.repo.git("commit", "--quiet", "--no-verify", "-m", "Set up")

        project.repo.write({"a.py": bad})
        said_stop = call("claude-code", project)
        stopped = subprocess.run(["sh", "-c", entry["command"]], input=said_stop, capture_output=True, check=False)
        assert (stopped.returncode, stopped.stdout) == (2, b"")  # what Claude Code hands to the model is standard error
        report = stopped.stderr.decode()
        assert bug.message in report
        assert "proved: IndexError" in report

        project.repo.git("add", "--all")
        fixed = project.run("fix", "--apply")
        assert fixed.code == 0, fixed.out + fixed.err
        assert (project.repo.path / "a.py").read_text() == good
        assert hook(project, again=True) == Ran(0, "", "")
    cost = project.run("cost").out
    assert "claude-code/haiku" in cost
    assert re.search(r"\$\d", cost)
    whole = project.ledger()
    assert whole.calls == len(agent.calls)
    assert whole.cost_usd == Decimal(str(DOLLARS)) * (whole.calls - whole.unknown)
