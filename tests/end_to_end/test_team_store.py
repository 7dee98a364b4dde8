"""Two machines and a store that they share, through the commands that a user types."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer
from tests.support.project import TWO_LINES, Project
from tests.support.server import Reply, Request, analyst
from tests.support.shared_store import BUGGY, FINDS, WITHOUT_DRIVER, shared

DOCUMENT = Path(__file__).parents[2] / "docs" / "team-store.md"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def at(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Go on at the machine of that name: the same clone and configuration, a state of its own."""

    def moved(name: str) -> None:
        home = tmp_path / name
        if not home.exists():
            home.mkdir()
            shutil.copy(project.home / "config.toml", home)
        monkeypatch.setenv("RALPH_HOOKS_HOME", str(home))

    return moved


def test_the_second_machine_pays_for_nothing_and_judges_alike(
    project: Project, postgres: PostgresServer, url: str, at: Callable[[str], None]
) -> None:
    server = shared(project, url)
    project.repo.stage({"a.py": BUGGY, "b.py": "b = 1\n"})
    at("ann")
    first = project.judge()
    asked = len(server.requests)
    at("ben")
    assert "(cached: costs nothing)" in project.run("route").out
    second = project.judge()
    assert len(server.requests) == asked
    assert (second.verdict, second.findings, second.notices) == ("fail", first.findings, "")
    assert second.sent == []
    with postgres.stopped():
        assert project.judge().notices == ""  # what has come over stays
        assert json.loads(project.run("cost", "--format", "json").out)["scope"] == "all repositories"
    bill = json.loads(project.run("cost", "--format", "json").out)
    assert bill["scope"] == "all repositories of the team"
    at("ann")
    assert json.loads(project.run("cost", "--here", "--format", "json").out)["totals"] == bill["totals"]
    assert bill["totals"]["all"][0]["calls"] == asked == len(first.sent)


def test_what_the_store_holds_is_what_the_documentation_says(
    project: Project, postgres: PostgresServer, url: str
) -> None:
    shared(project, url)
    project.repo.stage({"secretive_name.py": f"untouched = 'words'\n{BUGGY}"})
    project.judge()
    held = str(postgres.execute(url, "SELECT convert_from(value, 'UTF8') FROM answers"))
    assert "return eval(text)" in held  # the line that a finding is about
    for kept_back in ("untouched", "secretive_name", "def run"):
        assert kept_back not in held
    columns = postgres.execute(url, "SELECT column_name FROM information_schema.columns WHERE table_name = 'calls'")
    described = re.findall(r"`(\w+)`", _section("What is stored"))
    assert {name for (name,) in columns} <= set(described)
    ledger = str(postgres.execute(url, "SELECT * FROM calls"))
    assert project.repo.path.name in ledger
    assert str(project.repo.path) not in ledger


def test_what_somebody_plants_for_a_check_is_not_taken(
    project: Project, postgres: PostgresServer, url: str, at: Callable[[str], None], tmp_path: Path
) -> None:
    shared(project, url, analyst())
    project.repo.stage({"a.py": "print(undefined)\n", "b.py": "b = 1\n"})
    at("ann")
    first = project.judge()
    assert [finding["category"] for finding in first.blocking] == ["F821"]
    with closing(sqlite3.connect(tmp_path / "ann" / "state" / "state.db")) as state:
        keys = state.execute("SELECT key FROM answers").fetchall()
    assert keys
    for (key,) in keys:
        clean = "INSERT INTO answers VALUES ('{}', '{{\"findings\": []}}', 0) ON CONFLICT DO NOTHING"
        postgres.execute(url, clean.format(key))
    at("ben")
    assert project.judge().findings == first.findings


def test_a_server_that_dies_in_the_middle_changes_no_verdict_and_costs_nothing_twice(
    project: Project, postgres: PostgresServer, url: str, at: Callable[[str], None]
) -> None:
    stopped: list[bool] = []

    def script(request: Request) -> Reply:
        if not stopped:
            stopped.append(True)
            postgres.stop()
        return FINDS(request)

    server = shared(project, url, script)
    project.run("install", "--hook", "pre-commit")
    project.repo.stage({"a.py": BUGGY})
    at("ann")
    committed = subprocess.run(
        ["git", "commit", "-m", "Run it"], cwd=project.repo.path, capture_output=True, text=True, check=False
    )
    assert committed.returncode == 1
    said = committed.stdout + committed.stderr
    assert said.count("the team's store") == 1
    assert re.search(r"the team's store \(postgresql://127\.0\.0\.1:\d+/postgres\) (hung up|refuses|was shut)", said)
    first = project.last()
    assert (first["verdict"], first["exit_code"]) == ("fail", 1)
    asked, paid = len(server.requests), Decimal(str(first["cost_usd"]))
    again = project.judge()
    assert (again.findings, again.sent) == (first["findings"], [])

    postgres.start()
    looked = project.run("doctor", "--offline").out
    assert re.search(r"ok +store +postgresql://.* 2 verdicts and \d ledger rows were waiting and are sent", looked)
    at("ben")
    second = project.judge()
    assert (second.findings, second.sent, second.notices) == (first["findings"], [], "")
    assert len(server.requests) == asked
    booked = postgres.execute(url, "SELECT count(*), sum(cost)::bigint FROM calls WHERE remembered = 0")
    assert booked == [(asked, int(paid * 10**12))]
    assert postgres.execute(url, "SELECT sum(cost)::bigint FROM days") == [(int(paid * 10**12),)]


def test_the_budget_is_the_teams(project: Project, url: str, at: Callable[[str], None]) -> None:
    dear = Reply.json_text({"findings": []}, usage={"prompt_tokens": 30_000, "completion_tokens": 10})  # $0.03
    server = shared(project, url, lambda _: dear)
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.budget]\nper-day = 0.04\n")
    at("ann")
    project.repo.stage({"a.py": "a = 1\n"})
    assert project.judge().verdict == "pass"
    at("ben")
    project.repo.stage({"a.py": "a = 2\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert "the budget per day is $0.04: $0.03002 are spent" in judged.unreviewed["a.py"]
    assert len(server.requests) == 1


def test_the_rights_that_the_documentation_grants_are_enough(
    project: Project, postgres: PostgresServer, url: str, at: Callable[[str], None]
) -> None:
    owner, grants = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert "CREATE DATABASE" in owner
    shared(project, url)
    at("owner")
    project.run("doctor", "--offline")
    postgres.execute(url, f"DROP ROLE IF EXISTS ann; DROP ROLE IF EXISTS ralph_team; CREATE ROLE ralph_team;{grants}")
    postgres.execute(url, "ALTER ROLE ann PASSWORD 'hush'")
    shared(project, postgres.url("postgres", "ann", "hush"))
    at("ann")
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (judged.verdict, judged.notices) == ("fail", "")
    done = project.run("doctor", "--offline")
    assert "ok    store" in done.out
    assert "hush" not in done.out + done.err
    assert postgres.execute(url, "SELECT count(*) > 0 FROM calls WHERE outcome = 'ok'") == [(True,)]
    postgres.execute(url, "DROP OWNED BY ann; DROP ROLE ann; DROP OWNED BY ralph_team; DROP ROLE ralph_team")


def test_what_waits_for_another_store_is_told_and_goes_there_alone(
    project: Project, postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared(project, "postgresql://127.0.0.1:1/elsewhere")
    project.repo.stage({"a.py": BUGGY})
    assert "refuses connections" in project.judge().notices
    monkeypatch.setenv("RALPH_HOOKS_STORE", url)
    looked = project.run("doctor", "--offline").out
    assert "ok    store" in looked
    assert "warn  store          4 rows of verdicts and ledger wait for a store at another address" in looked
    assert postgres.execute(url, "SELECT count(*) FROM answers") == [(0,)]


def test_a_known_commit_does_not_even_load_the_driver(project: Project, postgres: PostgresServer, url: str) -> None:
    shared(project, url, analyst())
    project.repo.stage({"a.py": "a = 1\n"})
    assert project.judge().verdict == "pass"
    with postgres.stopped():
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_DRIVER], cwd=project.repo.path, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]
