"""Rules of the project that every change has to keep."""

from __future__ import annotations

import pytest

from tests.support.project import TWO_LINES, Project
from tests.support.server import NOTHING_FOUND, Reply, Request, Responder, analyst

RULE = "amounts are whole cents"
OTHER = "public functions keep their names"
RULES = f'{TWO_LINES}[tool.ralph-hooks.verify]\non = ["pre-commit"]\ninvariants = ["{RULE}", "{OTHER}"]\n'


@pytest.fixture(autouse=True)
def _rules(project: Project) -> None:
    project.configure(RULES)


def broken(rule: str, *, confidence: float = 0.9) -> Responder:
    """A server that says that ``rule`` is broken, and finds nothing else."""

    def answer(request: Request) -> Reply:
        if request.phase == "analyze":
            return Reply.json_text(NOTHING_FOUND)
        claims = [line for line in request.prompt.splitlines() if line.startswith("C")]
        verdicts = [
            {"id": claim.partition(":")[0], "holds": rule not in claim, "confidence": confidence, "reason": "A float."}
            for claim in claims
        ]
        return Reply.json_text({"verdicts": verdicts})

    return answer


@pytest.mark.parametrize("command", ["gate", "verify"])
def test_a_broken_rule_blocks_and_names_the_rule(project: Project, command: str) -> None:
    project.models(broken(RULE))
    project.repo.stage({"a.py": "price = 1.5\n"})
    judged = project.judge(command=command)
    assert judged.code == 1
    [finding] = judged.blocking
    assert (finding["category"], finding["path"], finding["line"]) == ("invariant", "a.py", 1)
    assert finding["message"] == f"breaks the rule '{RULE}': A float."


def test_kept_rules_pass_and_are_asked_about_once(project: Project) -> None:
    server = project.models(broken("no rule of ours"))
    project.repo.stage({"a.py": "price = 1\n"})
    assert project.judge(command="verify").code == 0
    again = project.judge(command="verify")
    assert (len(server.requests), again.sent, again.report["cost_usd"]) == (1, [], 0)
    assert server.requests[0].prompt.count("This rule is kept: ") == 2


def test_a_broken_rule_is_remembered_as_well(project: Project) -> None:
    server = project.models(broken(RULE))
    project.repo.stage({"a.py": "price = 1.5\n"})
    first, second = project.judge(command="verify"), project.judge(command="verify")
    assert first.findings == second.findings
    assert len(server.requests) == 1


@pytest.mark.parametrize(("confidence", "code"), [(0.4, 0), (0.6, 1)])
def test_an_unsure_answer_blocks_as_little_as_an_unsure_finding(project: Project, confidence: float, code: int) -> None:
    project.models(broken(RULE, confidence=confidence))
    project.repo.stage({"a.py": "price = 1.5\n"})
    assert project.judge(command="verify").code == code


def test_a_rule_broken_by_removed_code_is_placed_in_the_base(project: Project) -> None:
    project.repo.commit({"a.py": "import os\n\n\ndef public():\n    return 1\n"})
    project.models(broken(OTHER))
    project.repo.stage({"a.py": "import os\n"})
    [finding] = project.judge(command="verify").blocking
    assert (finding["line"], finding["removed"]) == (4, True)


def test_rules_that_nobody_could_judge_are_said_to_be_so(project: Project) -> None:
    project.models(lambda request: Reply.refusal() if request.phase == "verify" else analyst()(request))
    project.repo.stage({"a.py": "price = 1\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert "declined" in judged.report["reason"] or "refus" in judged.report["reason"]


def test_rules_without_a_model_are_said_to_be_unjudged(project: Project) -> None:
    project.configure(RULES.replace(TWO_LINES, ""))
    project.repo.stage({"a.py": "price = 1\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert "the invariants were not checked" in judged.report["reason"]


def test_files_go_to_the_models_of_their_routes_and_skipped_ones_nowhere(project: Project) -> None:
    local_models = 'models.analyze = "local/m"\nmodels.verify = "local/m"\n'
    project.configure(
        RULES
        + '[[tool.ralph-hooks.routes]]\npaths = ["internal/**"]\n'
        + local_models
        + '[[tool.ralph-hooks.routes]]\npaths = ["private/**"]\nskip = true\n'
    )
    server = project.models(broken(RULE))
    local = project.also("local", broken(RULE))
    project.repo.stage({"a.py": "price = 1\n", "internal/b.py": "internal = 1\n", "private/c.py": "private = 1\n"})
    judged = project.judge()
    assert [finding["path"] for finding in judged.blocking] == ["a.py", "internal/b.py"]
    assert not any("internal" in request.prompt for request in server.requests)
    assert not any("private" in request.prompt for request in server.requests + local.requests)
    assert {request.phase for request in local.requests} == {"analyze", "verify"}
