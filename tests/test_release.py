"""Parts of a release: workflows, forms, the action, the metadata and the list of licences are valid and current."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
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


def build_hook() -> ModuleType:
    """Return hatch_build.py, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("hatch_build", TOP / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_of_the_package_are_absolute_on_a_service_that_names_the_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/ralph-hooks")
    metadata: dict[str, Any] = {"version": "1.2"}
    build_hook().CustomMetadataHook(str(TOP), {}).update(metadata)
    text = metadata["readme"]["text"]
    targets = re.findall(r'\]\(([^)\s]+)|(?:srcset|src)="([^"]+)"', text)
    assert len(targets) > 20
    assert [target for pair in targets for target in pair if target and not target.startswith("https://")] == []
    assert "https://github.com/someone/ralph-hooks/raw/v1.2/docs/images/session-light.svg" in text
    assert metadata["urls"]["Repository"] == "https://github.com/someone/ralph-hooks"


def test_the_package_builds_without_a_known_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    metadata: dict[str, Any] = {"version": "1.2"}
    build_hook().CustomMetadataHook(str(TOP), {}).update(metadata)
    assert metadata["urls"] == {}
    assert metadata["readme"]["text"] == (TOP / "README.md").read_text(encoding="utf-8")


def test_the_workflows_run_what_our_own_ci_runs() -> None:
    """The matrix of Pythons replaces `make test-others`, which needs them all on one machine."""
    ours = set(re.findall(r"^make (.+)$", (TOP / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE))
    workflow = (TOP / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert ours - {"test-others"} <= set(re.findall(r"run: make (\S+)$", workflow, re.MULTILINE))


def test_the_classifiers_name_the_pythons_that_are_tested() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {each.rpartition(" ")[2] for each in project["classifiers"] if ":: Python :: 3." in each}
    workflow = msgspec.yaml.decode((TOP / ".github" / "workflows" / "ci.yml").read_bytes())
    assert named == set(workflow["jobs"]["test"]["strategy"]["matrix"]["python"])
