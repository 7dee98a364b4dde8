"""Nothing of a repository's configuration is run or sent before its user has approved it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.asking import KEY_NAME
from tests.support.project import BIN, Project
from tests.support.repo import Repo
from tests.support.server import ModelServer, analyst
from tests.support.terminal import at_terminal


@pytest.fixture
def server(project: Project) -> ModelServer:
    """What the repository's own provider is; the user has none of that name."""
    server = project.models(analyst())
    project.write_user("")
    return server


@pytest.fixture
def ran(project: Project, server: ModelServer, tmp_path: Path) -> Path:
    """The file that the repository's command would make; the configuration is in place."""
    configure(project, server, f"touch {tmp_path}/ran")
    project.repo.stage({"a.py": "one = 1\n"})
    return tmp_path / "ran"


def configure(project: Project, server: ModelServer, command: str) -> None:
    project.configure(
        '[tool.ralph-hooks]\ncheap = "corp/small"\n'
        f'[tool.ralph-hooks.providers.corp]\nbase-url = "{server.url}"\napi-key-env = "{KEY_NAME}"\n'
        f'[tool.ralph-hooks.verify]\ncommands = ["{command}"]\non = ["pre-commit"]\n'
    )


@pytest.mark.parametrize("command", ["gate", "analyze", "verify"])
def test_before_that_everything_ends_with_exit_4_and_nothing_happens(
    project: Project, server: ModelServer, ran: Path, command: str
) -> None:
    done = project.run(command)
    assert (done.code, done.out, server.requests, ran.exists()) == (4, "", [], False)
    assert "nothing was sent or run" in done.err
    assert f"send code under review to {server.url} with the key in {KEY_NAME}" in done.err
    assert "run these commands in a scratch copy" in done.err
    assert "ralph-hooks trust" in done.err


def test_after_that_it_works(project: Project, server: ModelServer, ran: Path) -> None:
    done = project.run("trust", "--yes")
    assert done.code == 0
    assert f"touch {ran}" in done.out
    assert f'base-url = "{server.url}"' in done.out
    assert project.judge().verdict == "pass"
    assert (len(server.requests), ran.exists()) == (1, True)
    assert "Approved already." in project.run("trust").out


def test_one_changed_byte_asks_again_and_shows_the_difference(
    project: Project, server: ModelServer, ran: Path, tmp_path: Path
) -> None:
    project.run("trust", "--yes")
    configure(project, server, f"touch {tmp_path}/run")
    project.repo.stage({"a.py": "one = 1\n"})
    assert project.run("gate").code == 4
    done = project.run("trust")
    assert done.code == 4
    assert f"+ touch {tmp_path}/run\n" in done.out
    assert f"- touch {tmp_path}/ran\n" in done.out
    assert "[providers.corp] (as approved)" in done.out
    assert not ran.exists()


def test_the_same_commands_in_another_order_are_not_shown_as_approved(project: Project) -> None:
    commands = "[tool.ralph-hooks.verify]\ncommands = ['{}', '{}']\n"
    project.configure(commands.format("make test", "make clean"))
    project.run("trust", "--yes")
    project.configure(commands.format("make clean", "make test"))
    done = project.run("trust")
    assert (done.code, "(the same lines, in another order or repeated)" in done.out) == (4, True)


@pytest.mark.usefixtures("ran")
def test_without_a_terminal_nothing_is_approved(project: Project) -> None:
    done = project.program("trust")
    assert done.code == 4
    assert "cannot ask for approval without a terminal" in done.err
    assert project.run("gate").code == 4


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", 0), (b"n\n", 4), (b"\n", 4), (b"\x03", 130)])
def test_on_a_terminal_the_user_is_asked_and_no_answer_is_no(
    project: Project, ran: Path, typed: bytes, code: int
) -> None:
    args = [str(BIN / "ralph-hooks"), "trust"]
    ended, shown = at_terminal(args, cwd=project.repo.path, env=project.environ, question="[y/N]", answer=typed)
    assert ended == code, shown
    assert "Approve? [y/N]" in shown
    assert f"touch {ran}" in shown
    assert "Traceback" not in shown
    assert (project.run("gate").code == 4) is (code != 0)


@pytest.mark.usefixtures("ran")
def test_in_ci_a_digest_in_the_environment_approves_that_and_nothing_else(
    project: Project, server: ModelServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = project.run("gate").err
    found = re.search(r"RALPH_HOOKS_TRUST=([0-9a-f]{64})", told)
    assert found
    assert f"digest: {found[1]}" in project.run("trust").out
    monkeypatch.setenv("RALPH_HOOKS_TRUST", found[1])
    assert project.run("gate").code == 0
    configure(project, server, f"touch {tmp_path}/other")
    assert project.run("gate").code == 4


@pytest.mark.usefixtures("ran")
def test_an_approval_is_for_one_repository_and_its_worktrees(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.run("trust", "--yes")
    project.repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    project.repo.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    for name, code in (("linked", 0), ("clone", 4)):
        monkeypatch.chdir(tmp_path / name)
        Repo(tmp_path / name, project.repo.home).stage({"a.py": "one = 1\n"})
        assert project.run("gate").code == code, name


def test_what_asks_for_nothing_needs_no_approval(project: Project) -> None:
    project.models(analyst())
    done = project.run("trust")
    assert (done.code, "asks for nothing that needs your approval" in done.out) == (0, True)


@pytest.mark.usefixtures("ran")
def test_reports_and_costs_need_none(project: Project) -> None:
    assert project.run("show").code == 2
    assert project.run("cost").code == 0


def test_what_would_drive_the_terminal_is_shown_escaped(project: Project) -> None:
    project.models(analyst())
    project.configure('[tool.ralph-hooks.verify]\ncommands = ["echo \\u001b[2K harmless", "echo \\u202e"]\n')
    for done in (project.run("gate"), project.run("trust")):
        assert "\x1b" not in done.out + done.err
        assert "\u202e" not in done.out + done.err
    assert "\\x1b[2K harmless" in project.run("trust").out
