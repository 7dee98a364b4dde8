"""What doctor says of each thing."""

from __future__ import annotations

import json
from typing import Any

from tests.support.project import Project
from tests.support.server import Reply

ALIVE = Reply.json_text({"findings": []})


def checks(project: Project, *args: str, code: int | None = None) -> list[dict[str, Any]]:
    done = project.run("doctor", "--format", "json", *args)
    document = json.loads(done.out)
    assert document["ok"] is (done.code == 0)
    assert code in {None, done.code}, done.out
    found: list[dict[str, Any]] = document["checks"]
    assert all(bool(line["hint"]) is (line["status"] != "ok") for line in found)  # each says what to do, or nothing
    return found


def of(found: list[dict[str, Any]], check: str) -> list[tuple[str, str]]:
    """Status and message of all lines about ``check``."""
    return [(line["status"], line["message"]) for line in found if line["check"] == check]
