"""RALPH_HOOKS_SKIP, and a user without a key: a way through that is said and recorded."""

from __future__ import annotations

import random

import pytest

from tests.support.asking import KEY_NAME
from tests.support.changes import BUGGY, EVAL
from tests.support.credentials import SERVICES
from tests.support.project import TWO_LINES, Project, phases
from tests.support.server import analyst

UNDEFINED = "def total(net):\n    return net * vat\n"
SKIP = "RALPH_HOOKS_SKIP"


def token() -> str:
    return SERVICES["GitHub"](random.Random(1))


@pytest.mark.parametrize("names", ["models", "review", "models,ruff", " models ruff "])
def test_models_are_skipped_and_the_report_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    project.configure()
    server = project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    monkeypatch.setenv(SKIP, names)
    judged = project.judge()
    assert (judged.code, judged.causes, server.requests) == (0, {"a.py": "bypassed"}, [])
    assert f"{SKIP}={','.join(names.replace(',', ' ').split())} skipped a part" in judged.notices


def test_a_check_is_skipped_by_its_name_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure()
    server = project.models(analyst())
    project.repo.stage({"a.py": UNDEFINED})
    monkeypatch.setenv(SKIP, "ruff")
    assert (project.judge().code, phases(server.requests)) == (0, ["analyze"])


@pytest.mark.parametrize("names", ["models", "review", "commands", "ruff"])
def test_the_secret_scan_is_never_skipped_along(project: Project, monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    project.configure()
    project.models(analyst())
    project.repo.stage({"a.json": f'{{"key": "{token()}"}}\n'})
    monkeypatch.setenv(SKIP, names)
    assert project.judge().blocking[0]["category"] == "secret"


def test_commands_are_skipped(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ["false"]\n')
    project.models(analyst())
    assert project.run("trust", "--yes").code == 0
    project.repo.stage({"a.py": "print(1)\n"})
    assert project.run("verify").code == 1
    monkeypatch.setenv(SKIP, "commands")
    assert project.run("verify").code == 0


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("modles", "names 'modles', which is not a part of the review"),
        ("models,secrets", "would skip the secret scan together with other parts"),
    ],
)
def test_a_wrong_name_skips_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, names: str, told: str) -> None:
    project.configure()
    project.models(analyst())
    project.repo.stage({"a.py": BUGGY})
    monkeypatch.setenv(SKIP, names)
    ran = project.run("gate")
    assert (ran.code, told in ran.err) == (2, True)


def test_the_next_push_names_what_was_committed_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure()
    project.models(analyst())
    project.repo.stage({"a.py": "print(1)\n"})
    monkeypatch.setenv(SKIP, "models")
    assert project.judge().code == 0
    oid = project.repo.commit()
    monkeypatch.delenv(SKIP)
    judged = project.judge("--from-ref", "HEAD~1")
    assert f"committed with {SKIP}: {oid[:10]} (models)" in judged.notices
    assert (judged.report["new_commits"], len(judged.sent)) == (1, 1)
    assert SKIP not in project.judge("--from-ref", "HEAD~1").notices


def test_a_missing_key_lets_through_and_names_the_remedies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    monkeypatch.delenv(KEY_NAME)
    judged = project.judge()
    assert (judged.code, judged.verdict, judged.causes) == (0, "inconclusive", {"a.py": "no-key"})
    assert f"set {KEY_NAME}" in judged.report["reason"]
    assert (
        'when-no-key is "open": set the key, or in your own config.toml choose a model that you have a key for'
        in judged.notices
    )


def test_a_missing_key_has_a_policy_of_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.gate]\nwhen-unavailable = "open"\nwhen-no-key = "closed"\n')
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    monkeypatch.delenv(KEY_NAME)
    judged = project.judge()
    assert (judged.code, 'when-no-key is "closed"' in judged.notices) == (3, True)
