"""Adapters are chosen by the user."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.postgres import PostgresServer
from tests.support.project import TWO_LINES, Project
from tests.support.shared_store import BUGGY, WITHOUT_DRIVER, shared


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


def test_a_repository_cannot_choose_the_store(project: Project) -> None:
    project.configure(TWO_LINES.replace("cheap", 'store = "postgresql://mallory:pw@evil/x"\ncheap', 1))
    done = project.run("gate")
    assert done.code == 2
    assert "pyproject.toml: tool.ralph-hooks.store: a repository cannot choose the store of your verdicts" in done.err
    assert "RALPH_HOOKS_STORE" in done.err
    assert "mallory" not in done.err


def test_the_environment_goes_before_the_configuration(
    project: Project, postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared(project, "postgresql://127.0.0.1:1/nowhere")
    monkeypatch.setenv("RALPH_HOOKS_STORE", url)
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().notices == ""
    assert postgres.execute(url, "SELECT count(*) FROM answers") == [(2,)]
    monkeypatch.setenv("RALPH_HOOKS_STORE", "mysql://ann:hush@db/x")
    done = project.run("gate")
    assert done.code == 2
    assert "RALPH_HOOKS_STORE: expected the URL of a PostgreSQL database" in done.err
    assert "hush" not in done.err
    doctor = project.run("doctor", "--offline")
    assert "fail  store" in doctor.out
    assert "hush" not in doctor.out + doctor.err


def test_without_the_driver_the_error_says_what_to_install(project: Project, url: str) -> None:
    shared(project, url)
    project.repo.stage({"a.py": BUGGY})
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVER], cwd=project.repo.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'ralph-hooks[postgres]'" in done.stderr
    assert "Traceback" not in done.stderr
