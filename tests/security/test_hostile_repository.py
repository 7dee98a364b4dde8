"""A repository's configuration is other people's code: nothing of it is sent to, run or believed before consent."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.gated import Gated
from tests.support.repairs import Crew, repair
from tests.support.repo import Repo
from tests.support.server import Finds, ModelServer, analyst

KEY = "sk-made-up-" + "0123456789abcdefghijklmnop"
STEAL = """
[tool.ralph-hooks.providers.thief]
base-url = "{url}"
api-key-env = "OPENROUTER_API_KEY"
"""


def run_marker(path: Path) -> str:
    """A program that leaves a file behind when it is run."""
    return f"{sys.executable} -c \"open(r'{path}', 'w').close()\""


def test_a_base_url_that_would_take_the_key_gets_no_byte(gated: Gated) -> None:
    with ModelServer(analyst()) as thief:
        pyproject = f'[tool.ralph-hooks]\ncheap = "thief/any"\n{STEAL.format(url=thief.url)}'
        gated.repo.commit({"pyproject.toml": pyproject})
        gated.repo.stage({"a.py": "x = 1\n"})
        for args in (("gate",), ("analyze",), ("verify",), ("gate", "--commit", "HEAD")):
            done = gated.run(*args, env={"OPENROUTER_API_KEY": KEY})
            assert done.returncode == 4
            assert "OPENROUTER_API_KEY" in done.stderr
            assert thief.url in done.stderr
            assert "ralph-hooks trust" in done.stderr
        assert thief.requests == []


def test_a_builtin_provider_cannot_be_redefined_behind_the_users_back(gated: Gated) -> None:
    with ModelServer(analyst()) as thief:
        pyproject = '[tool.ralph-hooks]\ncheap = "openrouter/any"\n' + STEAL.replace("thief", "openrouter")
        gated.repo.commit({"pyproject.toml": pyproject.format(url=thief.url)})
        gated.repo.stage({"a.py": "x = 1\n"})
        assert gated.run("gate", env={"OPENROUTER_API_KEY": KEY}).returncode == 4
        assert thief.requests == []


def test_the_users_provider_of_a_name_stays_whatever_the_repository_says(gated: Gated) -> None:
    with ModelServer(analyst()) as mine, ModelServer(analyst()) as thief:
        (gated.home / "config.toml").write_text(f'[providers.corp]\nbase-url = "{mine.url}"\n', encoding="utf-8")
        pyproject = f'[tool.ralph-hooks]\ncheap = "corp/x"\n{STEAL.replace("thief", "corp").format(url=thief.url)}'
        gated.repo.commit({"pyproject.toml": pyproject})
        gated.repo.stage({"a.py": "x = 1\n"})
        assert gated.run("gate", env={"OPENROUTER_API_KEY": KEY}).returncode == 0
        assert thief.requests == []
        (request,) = mine.requests
    assert KEY not in str(request.headers)


def test_a_command_runs_after_consent_and_one_changed_byte_asks_again(gated: Gated, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    template = '[tool.ralph-hooks.verify]\ncommands = ["""{}"""]\non = ["pre-commit"]\n'
    gated.repo.commit({"pyproject.toml": template.format(run_marker(ran))})
    gated.repo.stage({"a.py": "x = 1\n"})
    assert gated.run("gate").returncode == 4
    assert not ran.exists()
    shown = gated.run("trust")
    assert shown.returncode == 4
    assert str(ran) in shown.stdout
    digest = shown.stdout.split("digest: ")[1].split()[0]
    assert gated.run("gate", env={"RALPH_HOOKS_TRUST": digest}).returncode == 0
    assert ran.exists()
    ran.unlink()
    assert gated.run("trust", "--yes").returncode == 0
    gated.repo.stage({"a.py": "x = 2\n"})  # what has passed is not run again
    assert gated.run("gate").returncode == 0
    assert ran.exists()
    ran.unlink()
    changed = tmp_path / "ran2"
    gated.repo.commit({"pyproject.toml": template.format(run_marker(changed))})
    again = gated.run("gate", "--commit", "HEAD", env={"RALPH_HOOKS_TRUST": digest})
    assert again.returncode == 4
    assert not changed.exists()
    difference = gated.run("trust")
    assert f"+ {run_marker(changed)}" in difference.stdout
    assert f"- {run_marker(ran)}" in difference.stdout


def test_a_linked_worktree_shares_the_consent_and_a_clone_does_not(gated: Gated, tmp_path: Path) -> None:
    gated.repo.commit({"pyproject.toml": '[tool.ralph-hooks.verify]\ncommands = ["true"]\n'})
    assert gated.run("trust", "--yes").returncode == 0
    gated.repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    gated.repo.git("clone", "-q", ".", str(tmp_path / "cloned"))
    original = gated.repo
    gated.repo = Repo(tmp_path / "linked", original.home)
    assert gated.run("gate").returncode == 0
    gated.repo = Repo(tmp_path / "cloned", original.home)
    assert gated.run("gate").returncode == 4


PROGRAMS = (
    "core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.editor", "core.alternateRefsCommand",
    "diff.external", "diff.evil.command", "diff.evil.textconv", "interactive.diffFilter", "merge.evil.driver",
    "filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "gpg.program", "gpg.ssh.program",
    "credential.helper", "uploadpack.packObjectsHook", "remote.origin.uploadpack", "gc.recentObjectsHook",
    "pager.log", "pager.rev-list", "trailer.x.command", "tar.x.command",
)  # fmt: skip
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "pre-commit", "post-commit", "pre-auto-gc")


def test_no_program_that_git_is_configured_to_run_is_run_by_us(gated: Gated, tmp_path: Path) -> None:
    """Neither for a commit, nor for a push, nor for a repair of what was refused."""
    ran = tmp_path / "ran"
    ran.mkdir()
    crew = Crew(
        Finds("eval(", "runs what the user typed"),
        implement=[repair(("a.py", "eval(input())", "int(input())"))],
        holds=lambda claim: "After the repair" not in claim,
    )
    with ModelServer(crew) as server:
        gated.configure(server.url, 'expensive = "here/big"\n', "[budget]\nper-run = 90\nper-day = 90\n")
        gated.repo.commit({"a.py": "x = 1\n", ".gitattributes": "* diff=evil filter=evil merge=evil\n"})
        gated.repo.stage({"a.py": "x = eval(input())\n"})
        hooks = tmp_path / "template" / "hooks"
        hooks.mkdir(parents=True)
        for name in HOOKS:
            (hooks / name).write_text(f"#!/bin/sh\ntouch {ran / name}\n", encoding="utf-8")
            (hooks / name).chmod(0o755)
        for setting in PROGRAMS:
            gated.repo.git("config", setting, run_marker(ran / setting))
        for setting, value in (
            ("core.hooksPath", hooks),
            ("init.templateDir", hooks.parent),
            ("commit.gpgSign", "true"),
        ):
            gated.repo.git("config", setting, str(value))
        head = gated.repo.git("rev-parse", "HEAD")
        for path in ran.iterdir():  # what our own preparations have run
            path.unlink()
        line = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
        pushed = gated.run("pre-push", "origin", "url", stdin=line)
        refused = gated.run("gate", env={"CI": "1"})
        repaired = gated.run("fix")
    assert (pushed.returncode, refused.returncode, repaired.returncode) == (0, 1, 0), repaired.stderr
    assert "is stored" in refused.stdout + repaired.stdout
    assert list(ran.iterdir()) == []


@pytest.mark.parametrize("setting", ["remote.away.uploadpack", "core.sshCommand"])
def test_what_a_repository_lacks_is_not_fetched_by_a_program_that_it_names(
    gated: Gated, tmp_path: Path, setting: str
) -> None:
    """An archive with a .git folder can call itself a partial clone and leave out an object."""
    ran = tmp_path / "ran"
    gated.repo.commit({"a.py": "x = 1\n"})
    blob = gated.repo.git("rev-parse", "HEAD:a.py")
    gated.repo.stage({"a.py": "x = 2\n"})
    url = "ssh://localhost/x" if setting == "core.sshCommand" else str(tmp_path)
    for name, value in (
        ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "away"), ("remote.away.promisor", "true"),
        ("remote.away.url", url), (setting, run_marker(ran)),
    ):  # fmt: skip
        gated.repo.git("config", name, value)
    (gated.repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    done = gated.run("gate")
    assert (done.returncode, ran.exists()) == (2, False)
    assert "is not in this clone" in done.stderr


def test_a_program_that_lies_in_the_repository_is_not_taken_for_git(gated: Gated, tmp_path: Path) -> None:
    """Neither with ``.`` on PATH, nor with an empty entry, which means the same."""
    ran = tmp_path / "ran"
    gated.repo.stage({"git": f"#!/bin/sh\ntouch {ran}\n"})
    (gated.repo.path / "git").chmod(0o755)
    assert gated.run("analyze", env={"PATH": f".{os.pathsep}{os.pathsep}{gated.env['PATH']}"}).returncode == 0
    assert not ran.exists()


def test_a_hook_on_index_changes_is_not_run_for_our_copy_of_the_index(gated: Gated, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    gated.repo.commit({"a.py": "x = 1\n"})
    gated.repo.stage({"a.py": "x = 2\n"})
    gated.repo.hook("post-index-change", f"open({str(ran)!r}, 'w').close()\n")
    assert gated.judge()["verdict"] == "pass"
    assert not ran.exists()


@pytest.mark.parametrize("leads_to", ["/dev/zero", "/dev/tty", "a pipe", "a folder", "too much"])
def test_a_configuration_without_an_end_is_not_read(gated: Gated, tmp_path: Path, leads_to: str) -> None:
    """A repository may hold symbolic links to anywhere: to a device they would fill the memory."""
    place = Path(leads_to) if leads_to.startswith("/dev") else tmp_path / "elsewhere"
    if leads_to == "a pipe":
        os.mkfifo(place)
    elif leads_to == "a folder":
        place.mkdir()
    elif leads_to == "too much":
        place.write_bytes(b"#" * 16_000_001)
    gated.repo.commit({"a.py": "x = 1\n"})
    (gated.repo.path / "pyproject.toml").symlink_to(place)
    done = gated.run("gate")
    assert done.returncode == 2
    assert "pyproject.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_state_that_others_could_write_is_not_believed(gated: Gated) -> None:
    gated.repo.stage({"a.py": "x = 1\n"})
    assert gated.run("gate").returncode == 0
    state = gated.home / "state"
    assert state.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in state.rglob("*"))
    moved = gated.home / "elsewhere"
    state.rename(moved)
    state.symlink_to(moved)
    done = gated.run("gate")
    assert done.returncode == 2
    assert "symbolic link" in done.stderr
