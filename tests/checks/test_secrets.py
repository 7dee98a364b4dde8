"""The secret scan blocks what leaks, says it without repeating it, and leaves ordinary code alone."""

from __future__ import annotations

import json
import lzma
import random
import re
from pathlib import Path

import pytest

from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.errors import RalphError
from tests.support.credentials import PASSWORD, SERVICES, private_key, shows
from tests.support.sources import findings, run, source

CLEAN = Path(__file__).parents[2] / "../shared/data/clean_commits.jsonl.xz"


@pytest.mark.parametrize("field", ["_authToken", "_auth"])
def test_what_npm_sends_to_a_registry_blocks(field: str) -> None:
    for value in ("custom-token-of-" + "ours", "YWRh" + "OmxvdmVsYWNl"):
        (finding,) = findings(Secrets(), ".npmrc", f"//registry.acme.io/:{field}={value}")
        assert finding.quote == f"//registry.acme.io/:{field}=<secret>"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", f'PASSWORD = "{PASSWORD}"'),
        ("a.py", f'if password == "{PASSWORD}":'),
        ("a.py", 'password = "' + "correcthorse" + 'battery"'),
        ("a.py", f'connect("postgres://app:{PASSWORD}@db.acme.io/x")'),
        ("a.cs", f'"Server=db;Password={PASSWORD};"'),
        ("a.go", f'dbPassword := "{PASSWORD}"'),
        (".env", f"DB_PASSWORD={PASSWORD}"),
        ("compose.yaml", f"  POSTGRES_PASSWORD: {PASSWORD}"),
        ("pom.xml", f"<password>{PASSWORD}</password>"),
        ("a.json", f'"password": "{PASSWORD}"'),
        ("a.js", f'auth: {{ user: "ada", pass: "{PASSWORD}" }}'),
        ("a.js", f'const smtpPass = "{PASSWORD}";'),
        ("a.js", f'if ("{PASSWORD}" === user.password) {{'),
        ("a.py", f'PASSWORD = "{PASSWORD}" + "{PASSWORD}"'),
        ("a.c", f'char password[32] = "{PASSWORD}";'),
        ("a.xml", f'<property name="password" value="{PASSWORD}"/>'),
        ("a.xml", f'<property value="{PASSWORD}" name="password"/>'),
        ("a.py", f'PASSWORD = "a{{b)c{PASSWORD}"'),
        ("a.py", f'PASSWORD = "<{PASSWORD[-3:]}>|(Q]9;k"'),
        (".env", f"DB_PASSWORD=;{PASSWORD[-3:]}&|(Q)9,k"),
    ],
)
def test_a_password_written_down_blocks(path: str, line: str) -> None:
    (finding,) = findings(Secrets(), path, line)
    assert finding.blocking
    assert PASSWORD[-3:] not in finding.quote
    assert "<secret>" in finding.quote


def test_a_private_key_is_one_finding_over_all_its_lines() -> None:
    key = private_key(random.Random(1))
    result = run(Secrets(), source("deploy/id_rsa", f"# deploy\n{key}\n"))["deploy/id_rsa"]
    (finding,) = result.findings
    assert (finding.line, finding.end_line) == (2, 15)
    assert "private key" in finding.message
    assert not any(shows(result, line) for line in key.split("\n"))


def test_only_what_the_base_does_not_have_counts() -> None:
    line = f'PASSWORD = "{PASSWORD}"'
    assert findings(Secrets(), "a.py", f"import os\n{line}\n", f"{line}\n") == ()
    assert findings(Secrets(), "a.py", f"    {line}  # moved\n", f"{line}\n") == ()
    assert len(findings(Secrets(), "a.py", f"{line}\n", 'PASSWORD = ""\n')) == 1


def test_the_author_can_say_that_it_is_no_secret() -> None:
    line = f'PASSWORD = "{PASSWORD}"'
    assert findings(Secrets(), "a.py", f"{line}  # pragma: allowlist secret\n") == ()
    assert findings(Secrets(), "a.js", f"{line};  // pragma: allowlist secret\n") == ()
    assert findings(Secrets(), "a.py", f"# pragma: allowlist nextline secret\n{line}\n") == ()
    (finding,) = findings(Secrets(), "a.py", f"{line}\n")
    assert "pragma: allowlist secret" in finding.message


def test_several_on_one_line_are_one_finding() -> None:
    rng = random.Random(2)
    (finding,) = findings(Secrets(), "a.py", f'KEYS = ["{SERVICES["GitHub"](rng)}", "{SERVICES["Stripe"](rng)}"]')
    assert finding.quote == 'KEYS = ["<secret>", "<secret>"]'
    assert "GitHub" in finding.message
    assert "Stripe" in finding.message


def test_a_scan_that_runs_out_of_time_says_so() -> None:
    with pytest.raises(RalphError, match="did not finish before the deadline, 1 file left"):
        run(Secrets(), source("a.py", "x = 1\n"), seconds=0)


def test_the_version_names_the_library() -> None:
    assert re.fullmatch(r"\d+ \d+ VERSION = '\d+\.\d+\.\d+'", Secrets().version)


@pytest.mark.skipif(not CLEAN.exists(), reason=f"{CLEAN} is missing")
def test_clean_commits_pass() -> None:
    """109 commits of click, flask, requests and httpx; one shows an example key in its documentation."""
    blocked = set()
    with lzma.open(CLEAN, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    for record in records:
        for path, text in _added(record["diff"]).items():
            if findings(Secrets(), path, text):
                blocked.add(record["id"])
    assert len(records) == 109
    assert len(blocked) <= 1


def _added(diff: str) -> dict[str, str]:
    files: dict[str, str] = {}
    path = ""
    for line in diff.split("\n"):
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif line.startswith("+") and not line.startswith("+++"):
            files[path] = files.get(path, "") + line[1:] + "\n"
    return files
