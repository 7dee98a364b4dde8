"""A `.secrets.baseline` counts like a dismissal: the base's quietly, the change's own is told."""

from __future__ import annotations

import hashlib
import json
import random

from tests.support.credentials import SERVICES
from tests.support.gated import Gated
from tests.support.server import ModelServer, analyst

KEY = SERVICES["GitHub"](random.Random(11))
OTHER = SERVICES["GitHub"](random.Random(12))


def baseline(*values: str) -> str:
    entries = [
        {
            "type": "GitHub Token",
            "filename": "a.json",
            "hashed_secret": hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest(),
            "is_verified": False,
            "line_number": 1,
        }
        for value in values
    ]
    return json.dumps({"version": "1.5.0", "results": {"a.json": entries}}, indent=2) + "\n"


def test_listed_secret_counts_as_dismissed(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.commit({".secrets.baseline": baseline(KEY)})
        gated.repo.stage({"a.json": json.dumps({"key": KEY})})
        listed = gated.judge()
        gated.repo.stage({"a.json": json.dumps({"key": OTHER})})
        other = gated.judge()
    assert (listed["verdict"], listed["findings"]) == ("pass", [])
    (dismissed,) = listed["dismissed"]
    assert (dismissed["path"], dismissed["in_change"]) == ("a.json", False)
    assert ".secrets.baseline" in dismissed["reason"]
    (finding,) = other["findings"]
    assert (other["verdict"], finding["path"]) == ("fail", "a.json")
    assert "ralph-hooks dismiss" in finding["message"]
    assert "pragma" not in finding["message"]


def test_change_that_lists_its_own_secret_is_told(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({".secrets.baseline": baseline(KEY), "a.json": json.dumps({"key": KEY})})
        done = gated.run("gate")
        report = json.loads(gated.run("show", "--format", "json").stdout)
    assert done.returncode == 0
    assert "this change adds 1 entry to .secrets.baseline itself" in done.stdout + done.stderr
    assert [(each["path"], each["in_change"]) for each in report["dismissed"]] == [("a.json", True)]


def test_with_dismissals_of_the_base_the_changes_own_baseline_does_not_count(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url, user='[gate]\ndismissals = "base"\n')
        gated.repo.stage({".secrets.baseline": baseline(KEY), "a.json": json.dumps({"key": KEY})})
        report = gated.judge()
    assert [finding["path"] for finding in report["findings"]] == ["a.json"]
