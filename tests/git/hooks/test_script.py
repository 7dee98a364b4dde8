"""The script of our hook: every shell runs it, and it is recognised whatever happened to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ralph_hooks.git.hooks import native
from ralph_hooks.git.hooks.native import Folder, HookChange, HookState
from ralph_hooks.git.hooks.script import HOOKS, PRE_COMMIT, KeptHook, Script, recognise, shell_of
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo
from tests.support.stand_in import THEIRS, StandIn, executable

HOOK_FOLDER = ".git/hooks"


SHELLS = [shell for shell in ("dash", "bash", "busybox", "ksh", "mksh") if shutil.which(shell)]


@pytest.fixture
def stand_in(repo: Repo, tmp_path: Path) -> StandIn:
    return StandIn(repo, tmp_path)


def folder(repo: Repo, *, own: bool = False) -> Folder:
    return native.folder(open_repository(repo.path), own=own)


def state(repo: Repo, hook: str = PRE_COMMIT) -> HookState:
    return native.inspect(folder(repo), hook)


def install(repo: Repo, python: Path | str, hook: str = PRE_COMMIT, *, closed: bool = False) -> HookChange:
    return native.install(state(repo, hook), python=str(python), closed=closed)


def theirs(repo: Repo, hook: str = PRE_COMMIT, text: str = "#!/bin/sh\n" + THEIRS) -> Path:
    return executable(repo.path / HOOK_FOLDER / hook, text)


class TestTheScript:
    @pytest.mark.parametrize("shell", SHELLS)
    def test_every_shell_there_is_reads_and_runs_it(self, repo: Repo, stand_in: StandIn, shell: str) -> None:
        for hook in HOOKS:
            theirs(repo, hook)
            install(repo, stand_in.python, hook)
            applet = ["sh"] if shell == "busybox" else []
            args = [shell, *applet, str(state(repo, hook).path)]
            done = subprocess.run(args, cwd=repo.path, env=repo.env, input=b"x\n", capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, b"")
            assert sum(" read " not in line for line in stand_in.calls()) == 2

    def test_it_is_known_again(self) -> None:
        for hook in HOOKS:
            for kept in (None, KeptHook("ab12"), KeptHook("ab12", runs=False)):
                found = recognise(Script(hook, "/x", closed=True, kept=kept).render())
                assert found is not None
                assert (found.edited, found.kept) == (False, "ab12" if kept else "")

    def test_a_damaged_header_is_an_edited_script(self) -> None:
        text = Script(PRE_COMMIT, "/x", closed=True).render()
        found = recognise(text.replace(b"# sum:", b"# mus:"))
        assert found is not None
        assert found.edited

    @pytest.mark.parametrize(
        ("text", "shell"),
        [
            (b"#!/bin/sh\n", ("/bin/sh",)),
            (b"#! /bin/bash -e\nx", ("/bin/bash", "-e")),
            (b"#!/bin/sh -\n", ("/bin/sh",)),
            (b"#!/usr/bin/env bash\n", ("/usr/bin/env", "bash")),
            (b"#!/usr/bin/env -S bash -u\n", ("/usr/bin/env", "bash", "-u")),
            (b"echo no first line of that kind\n", ("sh",)),
            (b"#!/usr/bin/env python3\n", ()),
            (b"#!/usr/bin/env\n", ()),
            (b"#!\n", ()),
            (b"\x7fELF\0\0", ()),
            (b"", ()),
        ],
    )
    def test_the_shell_of_a_script(self, text: bytes, shell: tuple[str, ...]) -> None:
        assert shell_of(text) == shell
