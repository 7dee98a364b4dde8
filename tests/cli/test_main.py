"""How commands end where something is wrong: the right code, words, the next step, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import click
import pytest

from ralph_hooks.cli import show
from ralph_hooks.cli.main import COMMANDS
from tests.support.patience import PATIENCE
from tests.support.project import BIN, MODEL, TWO_LINES, Project
from tests.support.repo import Repo
from tests.support.server import Reply, Request, analyst

CLEAN = "def run(text):\n    return int(text)\n"
MISTAKES = {
    "syntax": ("[tool.ralph-hooks\n", "not valid TOML"),
    "key": ('[tool.ralph-hooks]\nchaep = "a/b"\n', "cheap"),
    "type": ("[tool.ralph-hooks]\ncheap = 3\n", "tool.ralph-hooks.cheap"),
    "table": ("[tool.ralph-hooks.gat]\nconfirm = true\n", "gate"),
    "value": ('[tool.ralph-hooks.gate]\nblock-at = "fatal"\n', "tool.ralph-hooks.gate.block-at"),
    "range": ("[tool.ralph-hooks.gate]\ndeadline = 0\n", "tool.ralph-hooks.gate.deadline"),
    "no provider": ('[tool.ralph-hooks]\ncheap = "gpt-5"\n', "provider/model"),
    "unknown provider": ('[tool.ralph-hooks]\ncheap = "openroute/x"\n', "openrouter"),
    "skip and models": (
        f'[[tool.ralph-hooks.routes]]\npaths = ["a"]\nskip = true\nmodels.analyze = "{MODEL}"\n',
        "skip and models exclude each other",
    ),
    "misspelt table": ('[tool.ralph_hooks]\ncheap = "a/b"\n', "[tool.ralph-hooks]"),
    "key in the file": (
        '[tool.ralph-hooks.providers.x]\nbase-url = "https://x.example"\napi-key-env = "sk-123"\n',
        "the NAME of an environment variable",
    ),
    "plain http": ('[tool.ralph-hooks.providers.x]\nbase-url = "http://x.example"\n', "expected https"),
    "pattern": ('[tool.ralph-hooks.gate]\nexclude = ["!a"]\n', "cannot be negated"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_configuration_is_exit_2_with_file_key_and_advice(project: Project, mistake: str) -> None:
    text, expected = MISTAKES[mistake]
    server = project.models(analyst())
    project.configure(text)
    project.repo.stage({"a.py": CLEAN})
    done = project.run("gate")
    assert (done.code, done.out, server.requests) == (2, "", [])
    assert "pyproject.toml" in done.err
    assert expected in done.err
    assert "sk-123" not in done.err


def test_a_mistake_in_the_users_own_configuration_names_that_file(project: Project) -> None:
    project.configure("", user='chaep = "a/b"\n')
    done = project.run("gate")
    assert done.code == 2
    assert "config.toml: chaep" in done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("gaet",), "No such command 'gaet'"),
        (("gat",), "No such command 'gat'. Did you mean 'gate'?"),
        (("gate", "--fromat", "json"), "--format"),
        (("gate", "--format", "xml"), "'xml' is not one of"),
        (("gate", "--commit", "HEAD", "--from-ref", "HEAD"), "exclude each other"),
        (("gate", "--to-ref", "HEAD"), "--to-ref needs --from-ref"),
        (("gate", "--commit", "nowhere"), "this clone has no commit 'nowhere'"),
        (("gate", "--from-ref", "--all"), "this clone has no commit '--all'"),
        (("gate", "--from-ref", "0" * 40), "CI passes this for a new branch: give a commit that this clone has"),
        (("gate", "--from-ref", "1" * 40), "a forced push may have replaced it: give a commit that this clone has"),
        (("gate", "--output", "/"), "is a directory"),
        (("show", "!"), "no report has the id '!'"),
        (("show",), "no change in this repository was reviewed yet"),
        ((), "Commands"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(project: Project, args: tuple[str, ...], said: str) -> None:
    project.models(analyst())
    done = project.run(*args)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# Programs that agents start answer by the agents' conventions, wherever they are: they have tests of their own.
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"agent-hook", "mcp"}))
def test_outside_of_a_repository_every_command_says_so(
    project: Project, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    done = project.run(command, *(["--commits", "HEAD"] if command == "backtest" else []))
    assert done.code == (1 if command == "doctor" else 2)  # the doctor is there to say so
    assert "not a git repository" in done.out + done.err


def test_a_folder_that_is_gone_is_named(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    done = project.run("gate")
    assert done.code == 2
    assert "the current folder no longer exists" in done.err
    monkeypatch.chdir(tmp_path)


def test_a_bare_repository_is_named(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    monkeypatch.chdir(tmp_path / "bare.git")
    done = project.run("gate")
    assert done.code == 2
    assert "bare repository" in done.err


def test_a_missing_key_is_inconclusive_and_names_the_variable(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = project.models(analyst())
    monkeypatch.delenv("SCRIPTED_KEY")
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert (judged.code, judged.verdict, server.requests) == (0, "inconclusive", [])
    assert "SCRIPTED_KEY" in judged.report["reason"]


def test_a_key_that_no_header_takes_is_for_the_user_to_mend_and_not_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.models(analyst())
    monkeypatch.setenv("SCRIPTED_KEY", "se\ncret")
    project.repo.stage({"a.py": CLEAN})
    done = project.run("gate")
    assert done.code == 2
    assert "cret" not in done.err.replace("SCRIPTED_KEY", "")


def test_the_closed_policy_is_exit_3(project: Project) -> None:
    project.configure(TWO_LINES + '[tool.ralph-hooks.gate]\nwhen-unavailable = "closed"\n')
    project.models(Reply.refusal())
    project.repo.stage({"a.py": CLEAN})
    assert project.run("gate").code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_exit_130_at_once_and_the_call_is_in_the_ledger(project: Project, number: int) -> None:
    asked = threading.Event()

    def answer(_: Request) -> Reply:
        asked.set()
        return Reply.hang()

    project.models(answer)
    project.repo.stage({"a.py": CLEAN})
    with subprocess.Popen(
        [BIN / "ralph-hooks", "gate"],
        cwd=project.repo.path,
        env=project.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert asked.wait(PATIENCE)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert "interrupted" in err
    assert "Traceback" not in err
    assert (project.ledger().calls, project.ledger().estimated) == (1, 1)


def test_our_own_failure_is_told_in_words_and_is_no_pass(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command
    def broken() -> None:
        raise ZeroDivisionError("\x1b[31mred")

    monkeypatch.setattr(show, "command", broken)
    done = project.run("show")
    assert done.code == 3
    assert "NOT reviewed: internal error in ralph-hooks (ZeroDivisionError: \\x1b[31mred)" in done.err
    assert "RALPH_HOOKS_DEBUG=1" in done.err
    monkeypatch.setenv("RALPH_HOOKS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        project.run("show")


def test_a_state_that_cannot_be_kept_stops_no_check_and_sends_nothing(project: Project) -> None:
    """Without a ledger no call is made: it would have been paid for and in no book."""
    server = project.models(analyst())
    (project.home / "state").mkdir()
    (project.home / "state" / "state.db").mkdir()
    project.repo.stage({"a.py": "print(undefined_name)\n", "b.py": CLEAN})
    done = project.run("gate")
    assert (done.code, server.requests) == (1, [])
    assert "undefined_name" in done.out
    assert "cannot be used" in done.err


@pytest.mark.skipif(os.name != "posix", reason="Windows has no owner to differ from")
def test_a_repository_of_somebody_else_is_refused_with_gits_own_advice(project: Project) -> None:
    project.models(analyst())
    done = project.program("gate", env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert done.code == 2
    assert "safe.directory" in done.err


def test_a_linked_worktree_shares_reports_and_keeps_its_index(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.models(analyst())
    project.repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", project.repo.home).stage({"a.py": CLEAN})
    monkeypatch.chdir(linked.path)
    assert project.judge().report["paths"] == 1
    monkeypatch.chdir(project.repo.path)
    assert project.last()["paths"] == 1
    assert project.judge().report["paths"] == 0
