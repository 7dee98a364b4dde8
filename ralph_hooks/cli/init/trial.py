"""Test the hook that git will run at the next commit, so that `init` claims only what works."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from ralph_hooks.app.context import Context
from ralph_hooks.cli.doctor.hooks import hook_line
from ralph_hooks.cli.doctor.probes import ProbeStatus
from ralph_hooks.errors import RalphError
from ralph_hooks.git.hooks import native
from ralph_hooks.git.hooks.native import HookState
from ralph_hooks.git.hooks.script import PRE_COMMIT
from ralph_hooks.process import TimeoutExpired, run

_PATIENCE = 60.0  # seconds for a program to print its version
_OWN_PYTHON = re.compile(rb"^INSTALL_PYTHON=(.+)$", re.MULTILINE)  # in the scripts of pre-commit
_GET = {
    "pre-commit": "`uv tool install pre-commit` or `pipx install pre-commit`",
    "prek": "`uv tool install prek`",
    "lefthook": "https://lefthook.dev/installation",
}


class CommitHook(Struct, frozen=True):
    """The commit hook that git runs, with the result of its test."""

    works: bool
    what: str
    """The program that runs, or the problem that prevents it, for display."""
    hint: str = ""
    """The suggested fix; empty if it works."""


def try_commit_hook(context: Context) -> CommitHook:
    """Read the hook that git would run, and start each program that it needs."""
    try:
        folder = native.folder(context.repository)
        line = hook_line(context, folder, PRE_COMMIT)
        state = native.inspect(folder, PRE_COMMIT)
    except RalphError as error:
        return CommitHook(works=False, what=error.message, hint=error.hint)
    if line.status is ProbeStatus.FAIL:
        return CommitHook(works=False, what=line.message, hint=line.hint)
    for program, words, hint in _programs(state):
        if not _starts(words):
            return CommitHook(works=False, what=f"{line.message}, but {program} cannot be started", hint=hint)
    return CommitHook(works=True, what=line.message)


def _programs(state: HookState) -> Sequence[tuple[str, Sequence[str], str]]:
    """Return the programs that the hook starts: a name, the command for its version, advice if it is missing."""
    ours = ("ralph-hooks", ["ralph-hooks", "--version"], "put ralph-hooks on PATH")
    if state.ours is not None and state.found is not None:
        python = state.found.python
        own = ("ralph-hooks", [python, "-P", "-m", "ralph_hooks", "--version"], "`ralph-hooks install`")
        return [own if python else ours]
    if state.other not in _GET:
        return [ours]
    manager = [state.other, "--version"]
    try:
        written = _OWN_PYTHON.search(state.path.read_bytes())
    except OSError:
        written = None
    if written is not None:
        python = written[1].decode("utf-8", "replace").strip("'\" ")
        if Path(python).is_file():
            manager = [python, "-m", "pre_commit", "--version"]
    return [(state.other, manager, f"install it: {_GET[state.other]}"), ours]


def _starts(words: Sequence[str]) -> bool:
    program = shutil.which(words[0])
    if program is None:
        return False
    try:
        return run([program, *words[1:]], timeout=_PATIENCE).returncode == 0
    except (OSError, TimeoutExpired):
        return False
