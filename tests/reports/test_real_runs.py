"""Reports of real runs, with something in every list of them, in the forms that programs read."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.credentials import SERVICES
from tests.support.project import MODEL, Project, new_project
from tests.support.server import Finds, Reply, analyst

SCHEMA = Path(__file__).parents[2] / "../shared/data/sarif-schema-2.1.0.json"
CONFIGURATION = f"""\
[tool.ralph-hooks]
cheap = "{MODEL}"
expensive = "scripted/big"
[[tool.ralph-hooks.routes]]
paths = ["*.sql"]
skip = true
[tool.ralph-hooks.verify]
commands = ['''{sys.executable} -c "raise SystemExit('no')"''', "no-such-program-anywhere", "true"]
invariants = ["every function has a test"]
on = ["pre-commit", "pre-push"]
"""
TOKEN = SERVICES["GitHub"](random.Random(1))
CHANGE: dict[str, str | bytes | None] = {
    "a.py": "def run(text):\n    return eval(text)\n\n\ndef later():\n    pass  # TODO\n",
    "guard.py": None,
    "settings.py": f'TOKEN = "{TOKEN}"\n',
    "broken.py": "def (:\n",
    "poetry.lock": "x\n",
    "logo.png": b"\x89PNG\0",
    "query.sql": "SELECT 1;\n",
    "odd \u202e name.py": "one = 1\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Everything at once: what checks, models and commands can find, and what nobody reviews."""
    with new_project(tmp_path, monkeypatch) as made:
        made.models(
            analyst(
                Finds("eval(", "Runs what the user typed."),
                Finds("require(", "Nobody checks the user any more."),
                Finds("TODO", "Not done yet.", severity="note"),
                holds=lambda claim: "every function" not in claim,
            )
        )
        made.configure(CONFIGURATION)
        made.repo.commit({"guard.py": "def check(user):\n    require(user)\n"})
        assert made.run("trust", "--yes").code == 0
        made.repo.stage(CHANGE)
        yield made


@lru_cache(maxsize=1)
def validator() -> Any:  # noqa: ANN401 - jsonschema ships no types
    import jsonschema  # type: ignore[import-untyped]  # ships no types, and one test is not worth a stub package

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def test_a_report_with_something_in_every_list_is_as_documented(project: Project) -> None:
    """`Project.judge` compares each report with docs/report.md; here is one that leaves out little."""
    report = project.judge().report
    empty = {name for name, value in report.items() if value in ([], None, "")}
    assert empty <= {"refs", "rungs", "fix", "job", "dismissed"}  # of pushes, repairs and what a user dismissed
    assert {finding["category"] for finding in report["findings"]} == {
        "bug",
        "secret",
        "syntax",
        "invariant",
        "invisible-characters",
    }
    assert {item["cause"] for item in report["unreviewed"]} == {"secret", "refused", "excluded", "content"}
    assert [run["verdict"] for run in report["verification"]] == ["fail", "inconclusive", "pass"]
    assert {call["phase"] for call in report["calls"]} == {"analyze", "verify"}
    assert project.judge().report["calls"][0]["from_store"]


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the official schema is not there: {SCHEMA.name} beside the checkout")
def test_sarif_of_real_runs_is_valid_against_the_official_schema(project: Project) -> None:
    runs = {
        "blocked": project.run("gate", "--format", "sarif").out,
        "shown": project.run("show", "--format", "sarif").out,
        "verify": project.run("verify", "--format", "sarif").out,
    }
    project.repo.git("reset", "--quiet", "--hard")
    runs["nothing"] = project.run("analyze", "--format", "sarif").out
    project.models(Reply.refusal())
    project.repo.stage({"new.py": "one = 1\n"})
    runs["unjudged"] = project.run("analyze", "--format", "sarif").out
    project.repo.commit()
    runs["history"] = project.run("analyze", "--commit", "HEAD", "--format", "sarif").out
    for name, text in runs.items():
        assert [error.message for error in validator().iter_errors(json.loads(text))] == [], name
    blocked = json.loads(runs["blocked"])["runs"][0]
    assert {"bug", "secret", "syntax", "invariant", "verify-command"} <= {one["ruleId"] for one in blocked["results"]}
    assert json.loads(runs["nothing"])["runs"][0]["results"] == []
    assert not json.loads(runs["unjudged"])["runs"][0]["invocations"][0]["executionSuccessful"]


def test_no_form_shows_the_secret_or_drives_the_terminal(project: Project) -> None:
    for format_ in ("text", "json", "sarif", "github", "agent"):
        shown = project.run("gate", "--format", format_).out
        assert TOKEN not in shown
        assert not {"\u202e", "\x1b"} & set(shown)


def test_annotations_and_words_for_an_agent_name_the_place(project: Project) -> None:
    annotations = project.run("gate", "--format", "github").out
    assert any(line.startswith("::error file=a.py,line=2") for line in annotations.splitlines())
    words = project.run("gate", "--format", "agent").out.splitlines()
    assert words[0].startswith("ralph-hooks: FAIL ")
    assert any("a.py:2: error bug" in line for line in words)
    assert words[-1].startswith("next: fix the code")
