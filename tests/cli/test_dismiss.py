"""``ralph-hooks dismiss``: once, with a reason, for the whole team, until the line changes."""

from __future__ import annotations

import json
import random

import pytest

from ralph_hooks.core.dismissal import DISMISSED
from tests.support.changes import BUGGY, EVAL, block_id, dismissed
from tests.support.credentials import SERVICES
from tests.support.project import BIN, TWO_LINES, Project, phases
from tests.support.server import analyst
from tests.support.terminal import at_terminal

GITHUB = SERVICES["GitHub"]


@pytest.fixture
def refused(project: Project) -> Project:
    """A project whose staged change a model's finding holds back."""
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    return project


def test_a_dismissed_finding_blocks_no_longer_and_is_counted(refused: Project) -> None:
    id_ = block_id(refused)
    dismissed(refused, id_, "--reason", "an expression of ours")
    judged = refused.judge()
    assert (judged.code, judged.verdict, judged.findings) == (0, "pass", [])
    [item] = judged.report["dismissed"]
    assert (item["id"], item["path"], item["reason"], item["kind"], item["in_change"]) == (
        id_, "a.py", "an expression of ours", "false-alarm", False,
    )  # fmt: skip
    assert item["by"] == "Ada <ada@example.com>"
    assert "1 dismissed" in refused.run("gate").out


def test_a_dismissed_finding_is_not_paid_for_again(refused: Project) -> None:
    dismissed(refused, "--last", "--reason", "fine")
    server = refused.models(analyst(EVAL))
    refused.repo.stage({"a.py": f"LIMIT = 1\n\n\n{BUGGY}"})
    assert refused.judge().code == 0
    assert phases(server.requests) == ["analyze"]  # nothing is left to verify


def test_a_blocked_report_ends_with_the_command_to_type(refused: Project) -> None:
    ran = refused.run("gate")
    last = ran.out.rstrip().splitlines()[-1].strip()
    assert last == f"ralph-hooks dismiss {block_id(refused)} --reason 'why it is wrong'"
    assert block_id(refused) in refused.run("gate", "--format", "agent").out


def test_a_secret_has_to_be_named_and_its_value_is_stored_nowhere(project: Project) -> None:
    project.configure()
    server = project.models(analyst())
    secret, other = (GITHUB(random.Random(seed)) for seed in (1, 2))
    project.repo.stage({"a.json": f'{{"key": "{secret}"}}\n'})
    id_ = block_id(project)
    ran = project.run("dismiss", "--last", "--reason", "an example")
    assert id_ in ran.err
    assert project.judge().code == 1
    dismissed(project, id_, "--reason", "an example")
    assert project.judge().code == 0
    assert secret not in (project.repo.path / DISMISSED).read_text()
    assert all(secret not in request.prompt for request in server.requests)
    project.repo.stage()
    assert project.judge().findings == []  # the file of dismissals holds nothing that looks like a secret
    project.repo.stage({"a.json": f'{{"key": "{other}"}}\n'})
    assert project.judge().code == 1


def test_an_accepted_secret_goes_through_but_its_file_is_never_sent(project: Project) -> None:
    project.configure()
    server = project.models(analyst())
    project.repo.stage({"a.json": f'{{"key": "{GITHUB(random.Random(1))}"}}\n'})
    dismissed(project, block_id(project), "--accept", "--reason", "revoked")
    judged = project.judge()
    assert (judged.code, judged.causes["a.json"]) == (0, "secret")
    assert server.requests == []


def test_a_failing_command_cannot_be_dismissed(project: Project) -> None:
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ["false"]\non = ["pre-commit"]\n')
    project.models(analyst(EVAL))
    assert project.run("trust", "--yes").code == 0
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    dismissed(project, "--last", "--reason", "fine")
    judged = project.judge()
    assert (judged.code, judged.findings, judged.report["verification"][0]["verdict"]) == (1, [], "fail")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            ["ffffffff", "--reason", "x"],
            "no finding in this repository's reports has an id that begins with 'ffffffff'",
        ),
        (["a", "--reason", "x"], "id that begins with 'a'"),
        (["--last"], "missing --reason"),
        (["--last", "--reason", " "], "missing --reason"),
        (["--reason", "x"], "name a finding by its ID"),
        (["--undo"], "--undo needs the ID"),
        (["--undo", "ffffffff"], "no dismissal has an id that begins with 'ffffffff'"),
        (["--last", "--list"], "exclude each other"),
    ],
)
def test_wrong_usage_says_what_is_missing(refused: Project, args: list[str], told: str) -> None:
    ran = refused.run("dismiss", *args)
    assert ran.code == 2
    assert told in ran.err
    assert not (refused.repo.path / DISMISSED).exists()


def test_sarif_carries_a_dismissal_as_a_suppression(refused: Project) -> None:
    dismissed(refused, "--last", "--reason", "an expression of ours")
    (result,) = json.loads(refused.run("gate", "--format", "sarif").out)["runs"][0]["results"]
    (suppression,) = result["suppressions"]
    assert (suppression["kind"], suppression["justification"]) == ("external", "an expression of ours")


def test_at_a_terminal_findings_are_offered_by_number(refused: Project) -> None:
    args = [str(BIN / "ralph-hooks"), "dismiss", "--reason", "an expression of ours"]
    code, shown = at_terminal(
        args, cwd=refused.repo.path, env=refused.environ, question="separated by spaces)", answer=b"1\n"
    )
    assert code == 0, shown
    assert "  1  blocks  " in shown
    assert "Dismissed 1 finding:" in shown
    assert refused.judge().code == 0
