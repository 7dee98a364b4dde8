"""What stands around the package: hook manifest, configurations, the README's examples, the environment's maker."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.sample import SAMPLE
from ralph_hooks.cli.main import COMMANDS
from ralph_hooks.config import load
from ralph_hooks.core.route import Phase, Provider, Wire

TOP = Path(__file__).parents[1]
PROVIDERS = {
    "openrouter": Provider(name="openrouter", wire=Wire.OPENAI, base_url="https://openrouter.invalid"),
    "anthropic": Provider(name="anthropic", wire=Wire.ANTHROPIC, base_url="https://anthropic.invalid"),
}
README = (TOP / "README.md").read_text(encoding="utf-8")


def manifest() -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = msgspec.yaml.decode((TOP / ".pre-commit-hooks.yaml").read_bytes())
    return hooks


def test_pre_commit_takes_the_manifest_and_the_configurations() -> None:
    for what, path in (
        ("validate-manifest", TOP / ".pre-commit-hooks.yaml"),
        ("validate-config", TOP / ".pre-commit-config.yaml"),
        ("validate-config", SAMPLE / ".pre-commit-config.yaml"),
    ):
        args = [sys.executable, "-m", "pre_commit", what, str(path)]
        done = subprocess.run(args, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("hook", manifest(), ids=lambda hook: hook["id"])
def test_a_hook_calls_a_command_that_exists_and_is_never_skipped_or_muted(hook: dict[str, Any]) -> None:
    program, command, *_ = hook["entry"].split()
    assert (program, command in COMMANDS) == ("ralph-hooks", True)
    assert hook["pass_filenames"] is False
    assert hook["require_serial"] is True
    assert hook["always_run"] is True  # a commit that only deletes has no files for pre-commit
    assert hook["verbose"] is True  # or the word that a change was not judged is hidden
    assert hook["stages"] == [{"pre-push": "pre-push", "fix": "manual"}.get(command, "pre-commit")]


@pytest.mark.parametrize("top", [TOP, SAMPLE], ids=["ours", "sample"])
def test_our_own_configurations_are_valid_and_choose_a_model_for_every_phase(top: Path) -> None:
    settings = load(top, None, PROVIDERS)
    assert set(settings.models) == set(Phase)
    assert settings.routes
    assert settings.verify.commands


def test_every_command_is_in_the_readme() -> None:
    missing = [name for name in COMMANDS if f"`ralph-hooks {name}`" not in README]
    assert missing == []


def make_environment(folder: Path, python3: str) -> subprocess.CompletedProcess[str]:
    """Run tools/make-venv on a machine whose only Python is the shell script ``python3``."""
    program = folder / "bin" / "python3"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{python3}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    env = {**os.environ, "PATH": str(program.parent)}
    args = ["/bin/sh", str(TOP / "tools" / "make-venv"), str(folder / "venv")]
    return subprocess.run(args, env=env, capture_output=True, text=True, check=False)


def test_an_old_python_is_named(tmp_path: Path) -> None:
    done = make_environment(tmp_path, '[ "$1" = --version ] && echo "Python 3.9.2" || exit 1')
    assert done.returncode == 1
    assert "Python 3.9.2 is too old" in done.stderr
    assert "3.11 or newer" in done.stderr


def test_a_missing_venv_module_is_named(tmp_path: Path) -> None:
    done = make_environment(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()
