"""The sample project and its changes are what they claim to be: the demo and the end-to-end tests rest on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demo.sample import MADE_UP_KEY, SAMPLE, Change, changes, copy_sample
from demo.source import publish

CHANGES = {change.name: change for change in changes()}
BLOCKING_RULES = ("--select=F,E9,PLE", "--ignore=F401,F403,F405,F541,F841")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "parkhouse"
    copy_sample(folder, repository="/somewhere", revision="0" * 40)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def apply(change: Change, project: Path) -> None:
    subprocess.run(["git", "apply", "-"], cwd=project, input=change.patch, text=True, check=True)


def run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    args = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return subprocess.run(args, cwd=project, capture_output=True, text=True, check=False)


def ruff_of(project: Path) -> str:
    args = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--output-format=concise"]
    return subprocess.run([*args, *BLOCKING_RULES], cwd=project, capture_output=True, text=True, check=False).stdout


def secrets_of(text: str, folder: Path) -> set[str]:
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import default_settings

    file = folder / "file.py"
    file.write_text(text, encoding="utf-8")
    found = SecretsCollection()
    with default_settings():
        found.scan_file(str(file))
    return {secret.type for _, secret in found}


def test_there_is_one_change_for_each_one_who_should_notice() -> None:
    assert [change.caught_by for change in changes()] == ["nobody", "checks", "tests", "model", "secrets"]


def test_the_project_is_sound_as_it_is(project: Path) -> None:
    assert run_tests(project).returncode == 0
    assert ruff_of(project).strip() == "All checks passed!"


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_fails_the_tests_only_where_it_says_so(name: str, project: Path) -> None:
    apply(CHANGES[name], project)
    done = run_tests(project)
    expected = 1 if CHANGES[name].caught_by == "tests" else 0
    assert done.returncode == expected, done.stdout


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_fails_the_linter_only_where_it_says_so(name: str, project: Path) -> None:
    apply(CHANGES[name], project)
    assert ("F821" in ruff_of(project)) is (CHANGES[name].caught_by == "checks")


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_holds_a_secret_only_where_it_says_so(name: str, tmp_path: Path) -> None:
    found = secrets_of(CHANGES[name].patch, tmp_path)
    assert ("Stripe Access Key" in found) is (CHANGES[name].caught_by == "secrets")


def test_the_made_up_key_is_nowhere_in_the_repository_as_it_is_used() -> None:
    holders = [path for path in SAMPLE.rglob("*") if path.is_file() and MADE_UP_KEY.encode() in path.read_bytes()]
    assert holders == []


def test_the_subtle_bug_locks_a_driver_in(project: Path) -> None:
    """What a model is meant to see is a real bug: a refused exit loses the car."""
    script = """
from datetime import datetime
from parkhouse.garage import Garage, UnknownTicket, Unpaid
from parkhouse.tariff import Tariff
now = datetime(2024, 5, 3, 8)
garage = Garage(1, Tariff())
ticket = garage.enter("B AX 1234", now)
try:
    garage.leave(ticket.number, now)
except Unpaid:
    pass
try:
    garage.pay(ticket.number, now)
except UnknownTicket:
    print("locked in")
else:
    print("fine")
"""

    def outcome() -> str:
        args = [sys.executable, "-B", "-c", script]
        return subprocess.run(args, cwd=project, capture_output=True, text=True, check=True).stdout.strip()

    assert outcome() == "fine"
    apply(CHANGES["04-subtle-bug"], project)
    assert outcome() == "locked in"


def test_the_hooks_are_taken_from_where_they_are_told(project: Path) -> None:
    text = (project / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert "repo: /somewhere" in text
    assert f"rev: {'0' * 40}" in text
    assert not (project / "changes").exists()


def test_the_same_package_is_published_as_the_same_commit(tmp_path: Path) -> None:
    """Otherwise pre-commit would install it anew for every demo."""
    env = {"PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null"}
    identity = {f"GIT_{who}_{what}": "x@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    first = publish(tmp_path / "one", env | identity)
    assert publish(tmp_path / "two", env | identity) == first
    assert (tmp_path / "one" / ".pre-commit-hooks.yaml").exists()
