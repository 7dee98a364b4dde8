"""What a release is made of: workflows, forms, the action and the list of licences are valid and current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.licences import page

TOP = Path(__file__).parents[1]
SCHEMAS = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".github/workflows/release.yml": "vendor.github-workflows",
    ".github/ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/false_finding.yml": "vendor.github-issue-forms",
    "action.yml": "vendor.github-actions",
}


@pytest.mark.parametrize("path", SCHEMAS)
def test_github_takes_the_file(path: str) -> None:
    args = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[path], str(TOP / path)]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_make_target_of_the_workflows_exists() -> None:
    targets = {line.partition(":")[0] for line in (TOP / "Makefile").read_text(encoding="utf-8").splitlines()}
    for path in (TOP / ".github" / "workflows").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            if "run: make " in line:
                assert line.rpartition("make ")[2] in targets, line


def test_the_list_of_licences_is_current() -> None:
    """Every installed dependency is listed; packages that only another system needs may be listed too."""
    listed = set((TOP / "docs" / "licences.md").read_text(encoding="utf-8").splitlines())
    assert set(page().splitlines()) <= listed, "python -m tools.licences"
