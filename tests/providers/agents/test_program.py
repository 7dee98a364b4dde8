"""A subscription reviews: ``cheap = "claude-code/haiku"`` serves analyze, verify and plan within budget and time."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.agent_program import DOLLARS
from tests.support.agents import PROGRAMS, Agent, install
from tests.support.project import Project
from tests.support.server import Finds, ModelServer, analyst

CODE = "def total(items):\n    out = 0\n    for item in items[:-1]:\n        out += item\n    return out\n"
BUG = Finds("items[:-1]", "The last item is left out.")
CHAIN = '[models]\nanalyze = ["claude-code/haiku", "scripted/cheap"]\nverify = "scripted/cheap"\n'
USER = 'on-failure = "block"\n'


@pytest.fixture
def agent(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Claude Code is installed and reviews; a change with a bug is staged."""
    return _installed(project, tmp_path, monkeypatch, "claude-code")


def _installed(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Agent:
    server = project._stack.enter_context(ModelServer(analyst(BUG)))  # noqa: SLF001 - ends with the project
    made = install(monkeypatch, Agent(folder / "agents", name, server))
    project.configure(f'[tool.ralph-hooks]\ncheap = "{name}/haiku"\n', user=USER)
    assert project.run("trust", "--yes").code == 0  # `cheap` serves fix too, which starts the agent in the files
    project.repo.stage({"a.py": CODE})
    return made


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_agent_finds_the_bug_and_confirms_it(
    name: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = _installed(project, tmp_path, monkeypatch, name)
    done = project.judge()
    assert (done.code, done.verdict) == (1, "fail")
    assert [finding["message"] for finding in done.blocking] == [BUG.message]
    assert [(call["phase"], call["model"], call["outcome"]) for call in done.sent] == [
        ("analyze", f"{name}/haiku", "ok"),
        ("verify", f"{name}/haiku", "ok"),
    ]
    assert len(agent.calls) == 2


def test_what_it_costs_is_in_the_ledger_and_paid_for_once(agent: Agent, project: Project) -> None:
    done = project.judge()
    assert done.report["cost_usd"] == pytest.approx(2 * DOLLARS)
    assert [call["input_tokens"] for call in done.sent] == [180, 180]
    again = project.judge()
    assert again.verdict == "fail"
    assert again.sent == []
    assert len(agent.calls) == 2
    assert project.ledger().cost_usd == 2 * Decimal(str(DOLLARS))


def test_tokens_that_are_not_told_are_marked_as_estimated(agent: Agent, project: Project) -> None:
    agent.behave("uncounted")
    done = project.judge()
    assert done.verdict == "fail"
    assert done.report["cost_usd"] is None
    assert all(call["input_tokens"] > 100 for call in done.sent)
    assert all(call["estimated"] for call in done.sent)


@pytest.mark.parametrize(
    ("behaviour", "outcome", "words"),
    [
        ("logged-out", "no-credential", "log in: start claude once by hand"),
        ("denied", "denied", "Invalid API key"),
        ("limit", "rate-limited", "usage limit"),
        ("update", "agent-failed", "A new version is required"),
        ("prose", "unreadable", ""),
        ("shape", "unreadable", ""),
    ],
)
def test_an_agent_that_does_not_answer_is_no_pass(
    agent: Agent, project: Project, behaviour: str, outcome: str, words: str
) -> None:
    agent.behave(behaviour)
    done = project.judge()
    assert (done.code, done.verdict) == (0, "inconclusive")  # a commit is let through by the policy, and told
    assert {call["outcome"] for call in done.sent} == {outcome}
    assert words in str(done.report["unreviewed"])
    assert project.judge("--commit", "HEAD").code == 0


def test_a_hang_is_ended_with_the_deadline(agent: Agent, project: Project) -> None:
    agent.behave("hang")
    project.write_user(USER + "[gate]\ndeadline = 2\n")
    done = project.judge()
    assert done.verdict == "inconclusive"
    assert {call["outcome"] for call in done.sent} <= {"deadline", "timeout"}


def test_the_next_model_of_a_chain_takes_over(agent: Agent, project: Project) -> None:
    """And the one that is over its limit is not started for every question."""
    agent.behave("limit")
    project.models(
        analyst(BUG), user='[models]\nanalyze = ["claude-code/haiku", "scripted/cheap"]\nverify = "scripted/cheap"\n'
    )
    project.repo.commit({"pyproject.toml": "[tool.ralph-hooks]\n"})
    project.repo.stage({"a.py": CODE, "b.py": CODE.replace("total", "sum_of"), "c.py": CODE.replace("total", "all_of")})
    done = project.judge()
    assert done.verdict == "fail"
    assert "claude-code/haiku" in done.notices
    project.repo.stage({"d.py": CODE.replace("total", "others")})
    before = len(agent.calls)
    assert project.judge().verdict == "fail"
    assert len(agent.calls) == before


def test_calls_that_no_cap_can_count_are_refused_where_the_user_says_so(agent: Agent, project: Project) -> None:
    project.write_user(USER + '[budget]\nunpriced = "refuse"\n')
    done = project.judge()
    assert done.verdict == "inconclusive"
    assert agent.calls == []
    assert "unpriced" in str(done.report["unreviewed"])


def test_a_price_of_the_users_own_makes_a_budget_hold_beforehand(agent: Agent, project: Project) -> None:
    project.write_user(USER + '[budget]\nper-run = 0.001\n[prices."claude-code/haiku"]\ninput = 1.0\noutput = 5.0\n')
    done = project.judge()
    assert done.verdict == "inconclusive"
    assert agent.calls == []


def test_a_question_to_an_agent_needs_no_consent_and_a_repair_does(project: Project) -> None:
    project.configure('[tool.ralph-hooks]\nmodels.analyze = "claude-code/haiku"\n')
    project.repo.stage({"b.py": CODE})
    assert project.run("gate").code != 4
    project.configure('[tool.ralph-hooks]\nexpensive = "claude-code/opus"\n')
    project.repo.stage({"c.py": CODE})
    refused = project.run("gate")
    assert refused.code == 4
    assert "run claude -p" in refused.err
