"""The one door to git: bytes out, nothing of the user's display settings in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ralph_hooks.core.change import decode
from ralph_hooks.errors import GitError
from ralph_hooks.process import Finished, run

_SETTINGS = ("-c", "core.quotePath=true", "-c", "diff.suppressBlankEmpty=false", "-c", "diff.orderFile=",
             "--no-optional-locks", "--no-pager")  # fmt: skip
_ENVIRONMENT = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_DIFF_OPTS": ""}
_HINTS = (
    (r"not a git repository", "run it inside a repository, or `git init` first"),
    (r"dubious ownership", "if you trust it: git config --global --add safe.directory <the folder>"),
    (r"must be run in a work tree", "ralph-hooks judges commits where they are made: run it in a work tree"),
    (r"(bad object|unable to read|missing blob|Not a valid object name|unknown revision|bad revision)",
     "a shallow or partial clone may lack it: git fetch --unshallow (or check the spelling)"),
)  # fmt: skip


def try_git(args: Sequence[str], *, cwd: Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Finished:
    """Run git and return whatever came of it. Raises GitError where git itself is missing."""
    try:
        return run(
            ["git", *_SETTINGS, *args], cwd=cwd, stdin=stdin, env={**os.environ, **_ENVIRONMENT, **(env or {})}
        )
    except FileNotFoundError as error:
        raise GitError("git was not found on PATH", "install git 2.30 or newer") from error


def git(args: Sequence[str], *, cwd: Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """What git prints. Raises GitError with git's own words where it fails."""
    done = try_git(args, cwd=cwd, stdin=stdin, env=env)
    if done.returncode:
        raise failure(args, done)
    return done.stdout


def failure(args: Sequence[str], done: Finished) -> GitError:
    """An error with git's words and the next step."""
    words = decode(done.stderr).strip() or f"exit code {done.returncode}"
    hint = next((text for pattern, text in _HINTS if re.search(pattern, words)), "")
    first = next((line for line in words.splitlines() if line.startswith(("fatal:", "error:"))), words.splitlines()[0])
    return GitError(f"git {args[0]}: {first.removeprefix('fatal: ').removeprefix('error: ')}", hint)
