"""Help teaches: what a command does, what each option means, and examples that are right."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from ralph_hooks import __version__
from ralph_hooks.cli.main import COMMANDS, cli
from tests.support.project import Project


def command(name: str) -> click.Command:
    found: click.Command = importlib.import_module(f"ralph_hooks.cli.{name.replace('-', '_')}").command
    return found


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_overview_names_every_command_and_exit_code(project: Project, flag: str) -> None:
    done = project.run(flag)
    assert (done.code, done.err) == (0, "")
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line[:20])}", done.out, re.MULTILINE), name
    flat = " ".join(done.out.split())
    for words in (
        "0 pass",
        "1 rejected",
        "2 wrong usage",
        "3 not reviewed",
        "4 not trusted",
        "130 interrupted",
    ):
        assert words in flat


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_examples_and_words_for_each_option(project: Project, name: str) -> None:
    done = project.run(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.split("Options:")[0].split()) > 15
    parameters = [item for item in command(name).params if not getattr(item, "hidden", False)]
    assert ("Examples:" in done.out) or not parameters
    options = [
        item for item in parameters if isinstance(item, click.Option) and not isinstance(item.type, click.Choice)
    ]
    assert [item.name for item in options if not item.help] == []
    assert max(map(len, done.out.splitlines())) <= 120


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_examples_are_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bugs.jsonl").touch()  # one of them names a file
    for called, words in EXAMPLE.findall(command(name).help or ""):
        example = shlex.split(re.split(r" {3,}| > |`|\)", words)[0].replace('"$@"', ""), comments=True)
        with click.Context(cli, info_name="ralph-hooks", **cli.context_settings) as parent:
            command(called).make_context(called, [word for word in example if word != "..."], parent)


EXAMPLE = re.compile(r"^ +(?:exec )?ralph-hooks ([a-z-]+)(.*)", re.MULTILINE)


def test_the_shell_completes_commands_options_and_their_values(project: Project) -> None:
    for typed, offered in (("ga", {"gate"}), ("gate --from", {"--from-ref"}), ("gate --format s", {"sarif"})):
        words = ["ralph-hooks", *typed.split()]
        typed_so_far = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        done = project.program(env={**typed_so_far, "_RALPH_HOOKS_COMPLETE": "bash_complete"})
        assert set(done.out.split()) == {f"plain,{word}" for word in offered}


def test_the_version(project: Project) -> None:
    assert project.run("--version").out == f"ralph-hooks, version {__version__}\n"


def test_the_module_is_the_program(project: Project) -> None:
    assert project.program("--help").out == project.run("--help").out
