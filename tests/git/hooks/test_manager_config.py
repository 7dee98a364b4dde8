"""Other managers' files get their lines, and everything else in them stays as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.hooks.manager_config import entry_for
from ralph_hooks.git.hooks.managers import calls_us
from ralph_hooks.git.hooks.script import HOOKS, PRE_COMMIT, PRE_PUSH
from tests.support.hook_managers import PATH, missing

LIST = """\
# what we run
default_stages: [pre-commit]
repos:
  - repo: https://example.com/hooks   # pinned
    rev: v1
    hooks:
      - id: one
        args: [--x,
               "-y"]

  # the last one
  - repo: local
    hooks:
      - {id: two, name: two, entry: 'true', language: system}
"""
FORMS = {
    "indented": LIST,
    "not indented": LIST.replace("\n  ", "\n"),
    "deeply indented": LIST.replace("\n  ", "\n      "),
    "followed by keys": f"{LIST}\n# and then\nfail_fast: true\nci:\n  skip: [two]\n",
    "followed by a comment": f"{LIST}# the end\n",
    "without a last line break": LIST.rstrip("\n"),
    "with other line endings": LIST.replace("\n", "\r\n"),
    "empty": "repos: []  # none yet\n",
    "empty, and more": "fail_fast: true\nrepos: []\nexclude: ^x\n",
    "a document": f"---\n{LIST}...\n",
}


def add(folder: Path, text: str, manager: str = "pre-commit", name: str = ".pre-commit-config.yaml") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    entry = entry_for(manager, path, PRE_COMMIT)
    assert entry.before == text
    path.write_bytes(entry.after.encode())
    return entry.after


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_a_pre_commit_configuration(tmp_path: Path, text: str) -> None:
    after = add(tmp_path, text)
    before: Any = msgspec.yaml.decode(text)
    now: Any = msgspec.yaml.decode(after)
    assert now["repos"][:-1] == before["repos"]
    assert now["repos"][-1]["hooks"][0]["entry"] == "ralph-hooks gate"
    assert {**now, "repos": []} == {**before, "repos": []}
    lines = iter(after.splitlines())
    assert all(line in lines for line in text.replace("repos: []", "repos:").splitlines())
    assert ("\r\n" in text) == ("\r\n" in after)
    args = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(args, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert calls_us(tmp_path, "pre-commit", PRE_COMMIT) == tmp_path / ".pre-commit-config.yaml"


@pytest.mark.parametrize("text", ["repos: [{repo: local, hooks: []}]\n", "fail_fast: true\n", "", "a: 1\r\nrepos:\n"])
def test_one_that_cannot_be_added_to_is_said_with_the_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_bytes(text.encode())
    with pytest.raises(GitError) as caught:
        entry_for("pre-commit", path, PRE_COMMIT)
    assert "entry: ralph-hooks gate" in caught.value.message or "line endings" in caught.value.message


def test_a_prek_configuration(tmp_path: Path) -> None:
    text = '[[repos]]\nrepo = "builtin"\nhooks = [{ id = "check-toml" }] # x'
    assert add(tmp_path, text, "prek", "prek.toml").startswith(text)
    done = subprocess.run(
        ["prek", "validate-config", "prek.toml"], cwd=tmp_path, env={"PATH": PATH}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert calls_us(tmp_path, "prek", PRE_COMMIT)


@pytest.mark.skipif(bool(missing("lefthook")), reason=missing("lefthook"))
@pytest.mark.parametrize("text", ["", "# mine\ncommit-msg:\n  jobs:\n    - run: 'true'"])
def test_a_lefthook_configuration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lefthook.yml"
    path.write_text(text, encoding="utf-8")
    first = entry_for("lefthook", path, PRE_COMMIT)
    both = entry_for("lefthook", path, PRE_PUSH, first)
    assert both.after.startswith(text)
    assert (both.before, both.lines.count("ralph-hooks\n")) == (text, 2)
    path.write_text(both.after, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    done = subprocess.run(["lefthook", "validate"], cwd=tmp_path, env={"PATH": PATH}, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert [calls_us(tmp_path, "lefthook", hook) for hook in HOOKS] == [path, path]


@pytest.mark.parametrize("name", ["lefthook.yml", "lefthook.toml"])
def test_a_lefthook_configuration_that_has_the_hook_already(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("pre-commit:\n  jobs: []\n" if name.endswith("yml") else "", encoding="utf-8")
    with pytest.raises(GitError, match="must be edited by hand") as caught:
        entry_for("lefthook", path, PRE_COMMIT)
    assert "run: ralph-hooks gate" in caught.value.message


def test_husky(tmp_path: Path) -> None:
    (tmp_path / ".husky").mkdir()
    path = tmp_path / ".husky" / "pre-commit"
    path.write_text("npx lint-staged", encoding="utf-8")
    assert entry_for("husky", tmp_path / ".husky", PRE_COMMIT).after == "npx lint-staged\nralph-hooks gate\n"
    new = entry_for("husky", tmp_path / ".husky", PRE_PUSH)
    assert (new.before, new.after) == (None, 'ralph-hooks pre-push "$@"\n')
    (tmp_path / ".husky" / "pre-push").write_text('git lfs pre-push "$@"\n', encoding="utf-8")
    with pytest.raises(GitError, match="by hand"):  # who comes second reads nothing
        entry_for("husky", tmp_path / ".husky", PRE_PUSH)
