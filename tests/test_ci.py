"""The examples in docs/ci.md, the action and the template: services take them, and their commands do what they say."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from ralph_hooks.cli.main import COMMANDS, cli
from tests.support.project import Project, new_project
from tests.support.server import Finds, analyst

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "ci.md").read_text(encoding="utf-8")
GITHUB, WITH_ACTION, INCLUDE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
GITLAB = (CHECKOUT / "templates" / "gitlab-ci.yml").read_text(encoding="utf-8")
ACTION = (CHECKOUT / "action.yml").read_text(encoding="utf-8")
SCHEMAS = [
    ("vendor.github-workflows", GITHUB),
    ("vendor.github-workflows", WITH_ACTION),
    ("vendor.github-actions", ACTION),
    ("vendor.gitlab-ci", INCLUDE),
    ("vendor.gitlab-ci", GITLAB),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made.configure()


def scripts(example: str) -> list[str]:
    """What the example runs, without the installation."""
    parsed: Any = msgspec.yaml.decode(example)
    if "jobs" in parsed or "runs" in parsed:
        steps = parsed["runs"]["steps"] if "runs" in parsed else parsed["jobs"]["gate"]["steps"]
        lines = [
            step["run"].replace('"$RUNNER_TEMP/ralph-hooks/bin/ralph-hooks"', "ralph-hooks")
            for step in steps
            if "run" in step
        ]
    else:
        lines = parsed["ralph-hooks"]["script"] + parsed["ralph-hooks"]["after_script"]
    return [line for line in lines if "pip install" not in line]


@pytest.mark.parametrize(("schema", "example"), SCHEMAS)
def test_the_service_takes_the_example(schema: str, example: str, tmp_path: Path) -> None:
    """By the service's published schema, as check-jsonschema ships it."""
    path = tmp_path / "example.yml"
    path.write_text(example, encoding="utf-8")
    args = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", [*scripts(GITHUB), *scripts(GITLAB), *scripts(ACTION)])
def test_commands_and_options_exist(line: str) -> None:
    program, name, *rest = shlex.split(line)
    assert (program, name in COMMANDS) == ("ralph-hooks", True)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    known = {option: parameter for parameter in command.params for option in parameter.opts}
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        choices = known[option].type
        assert not isinstance(choices, click.Choice) or value in choices.choices


def test_every_variable_is_set_by_the_example_or_by_the_service() -> None:
    for example in (GITHUB, GITLAB, ACTION):
        used = {name for line in scripts(example) for name in re.findall(r"\$(\w+)", line)}
        assert used
        assert all(f"{name}:" in example or name.startswith("CI_") for name in used)


def test_the_example_gives_the_action_inputs_that_it_has() -> None:
    steps = msgspec.yaml.decode(WITH_ACTION)["jobs"]["gate"]["steps"]
    assert steps[-1]["with"].keys() <= msgspec.yaml.decode(ACTION)["inputs"].keys()
    assert "RALPH_HOOKS_SOURCE" in GITLAB
    assert "RALPH_HOOKS_SOURCE" in msgspec.yaml.decode(INCLUDE)["variables"]


@pytest.mark.parametrize("example", [GITHUB, GITLAB], ids=["github", "gitlab"])
@pytest.mark.parametrize(("text", "code"), [("a = 1\n", 0), ("eval(input())\n", 1)], ids=["clean", "bug"])
def test_the_commands_judge_the_range(project: Project, example: str, text: str, code: int) -> None:
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    before = project.repo.git("rev-parse", "HEAD")
    head = project.repo.commit({"a.py": text})
    env = {**project.environ, "CI": "", "RALPH_FROM": before, "RALPH_TO": head, "CI_COMMIT_SHA": head}
    ran = [
        subprocess.run(
            ["/bin/sh", "-c", line], cwd=project.repo.path, env=env, capture_output=True, text=True, check=False
        )
        for line in scripts(example)
    ]
    assert [done.returncode for done in ran] == [code, 0, 0][: len(ran)], [done.stderr for done in ran]
    assert "Nothing was sent" in ran[-1].stderr
    if example == GITHUB:
        assert ("::error file=a.py,line=1" in ran[0].stdout) is bool(code)
        sarif = json.loads((project.repo.path / "ralph-hooks.sarif").read_text())
        assert len(sarif["runs"][0]["results"]) == code
    else:
        report = json.loads((project.repo.path / "ralph-hooks.json").read_text())
        assert (report["exit_code"], report["commits"]) == (code, 1)
