"""An agent that wants to end its turn is sent back with the report, in its own convention, and never for our faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.agent_calls import BUG, CODE, GOOD, NAMES, blocked, call, hook, told
from tests.support.agent_program import DOLLARS
from tests.support.agents import Agent, install
from tests.support.matrix import product
from tests.support.project import Project, Ran
from tests.support.repairs import Crew, plan
from tests.support.server import Finds, ModelServer, Reply, Request, analyst


@pytest.fixture
def reviewed(project: Project) -> ModelServer:
    """A model reviews, and a bug is in a new file that nobody has staged."""
    server = project.models(analyst(BUG))
    project.repo.write({"a.py": CODE})
    return server


@pytest.mark.parametrize(
    ("name", "trouble"), product(NAMES, ["configuration", "key", "outage", "trust", "no repository"])
)
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
