"""The single interface to git: output as bytes, independent of the user's display settings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ralph_hooks.core.change import decode
from ralph_hooks.errors import GitError
from ralph_hooks.process import Finished, Running, allowed_environment, finish, start

OLDEST = "2.31"
"""The first git with ``rev-parse --path-format``."""

SETTINGS = (
    "--no-pager",
    "-c", "core.quotePath=true",
    "-c", "core.fsmonitor=false",  # a program named by configuration must not be started
    "-c", "maintenance.auto=false",  # nor hooks of a clean-up, which fetching missing objects could trigger
    "-c", "core.splitIndex=false",  # otherwise writing a copy of the index leaves a shared index in the repository
    "-c", "diff.suppressBlankEmpty=false",
    "-c", "blame.ignoreRevsFile=",
)  # fmt: skip
Environment = Mapping[str, str | None]
"""Differences from our own environment; None removes a variable."""

_NOTHING: Environment = {}
_SET: Environment = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",  # the blob behind a replacement is committed, not the replacement
    "GIT_EXTERNAL_DIFF": None,
    "GIT_DIFF_OPTS": None,
}
_KEY = "_KEY"
"""The suffix of most variables with a provider's key: git never needs one."""
_OWN = ("GIT_", "SSH_", "XDG_")
"""Prefixes of the variables that git itself reads."""
_keys: frozenset[str] | None = None
"""The variables that hold keys by the configuration; None until it is loaded."""
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ralph-hooks"), ("EMAIL", "ralph-hooks@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""Options for a git that writes our own index or ref, so that it starts none of the user's hooks."""
NO_FETCH: Environment = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""Variables that prevent fetching. git older than 2.45 ignores the second and obeys the first."""
_HINTS = (
    (r"not a git repository", "run this inside a repository, or run `git init` first"),
    (
        r"must be run in a work tree|not inside a work tree",
        "run ralph-hooks in the repository's folder, not inside .git",
    ),
    (
        r"promisor remote|(?:unable to|cannot) read|missing blob|bad object|could not get object info|unable to find",
        "a shallow or partial clone may lack it: run `git fetch --unshallow` or `--refetch`",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "free space on that disk, or set TMPDIR to a folder on another one",
    ),
    (r"index file corrupt|bad index file|index file smaller", "the index is damaged: `git reset` rebuilds it"),
)
_SAFE = re.compile(r"git config --global --add safe\.directory .+")


def sealed(home: Path) -> dict[str, str | None]:
    """Nothing of the caller's: no ``GIT_*`` variable, no user's or system's configuration, an identity of our own.

    ``home`` is an empty folder.
    """
    return {
        **{name: _SET.get(name) for name in os.environ if name.startswith("GIT_")},
        **IDENTITY,
        # A user's filter (LFS), autocrlf or hook would write other files for the same tree.
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def withhold(names: Iterable[str]) -> None:
    """Give git all variables except ``names``, which hold keys; before this call it gets only a few."""
    global _keys  # noqa: PLW0603 - of the whole process, as its environment is
    _keys = frozenset(names)


def _environment() -> dict[str, str]:
    if _keys is None:
        own = {name: value for name, value in os.environ.items() if name.startswith(_OWN)}
        return {**allowed_environment(), **own}
    return {name: value for name, value in os.environ.items() if name not in _keys and not name.endswith(_KEY)}


def spawn(args: Sequence[str], *, cwd: Path, env: Environment = _NOTHING) -> Running:
    """Start git. Raises GitError without git."""
    asked = {**_environment(), **_SET, **env}
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        return start(["git", *SETTINGS, *args], cwd=cwd, env=given)
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise GitError(f"there is no folder {str(cwd)!r}") from error
        raise GitError("git was not found on PATH", f"install git {OLDEST} or newer") from error


def begin(args: Sequence[str], *, cwd: Path, env: Environment = _NOTHING) -> Callable[[bytes], Finished]:
    """Start git; return a function from its standard input to its result. Raises GitError without git."""
    process = spawn(args, cwd=cwd, env=env)
    return lambda stdin: finish(process, stdin=stdin)


def try_git(args: Sequence[str], *, cwd: Path, stdin: bytes = b"", env: Environment = _NOTHING) -> Finished:
    """Run git and return its result, including a failure. Raises GitError if git itself is missing."""
    return begin(args, cwd=cwd, env=env)(stdin)


def git(args: Sequence[str], *, cwd: Path, stdin: bytes = b"", env: Environment = _NOTHING) -> bytes:
    """Return git's output. Raises GitError with git's message if it fails."""
    return output(try_git(args, cwd=cwd, stdin=stdin, env=env))


def git_version(cwd: Path) -> str:
    """Return git's version: ``2.39.5``. Raises GitError without git."""
    return decode(git(["version"], cwd=cwd)).strip().removeprefix("git version ")


def is_recent(version: str) -> bool:
    """Return True if ``version`` is `OLDEST` or newer."""
    numbers = [tuple(int(part) for part in re.findall(r"\d+", text)[:2]) for text in (version, OLDEST)]
    return numbers[0] >= numbers[1]


def output(done: Finished) -> bytes:
    """Return git's output. Raises GitError with git's message if it failed."""
    if done.returncode:
        raise failure(done)
    return done.stdout


def failure(done: Finished) -> GitError:
    """Return the error with git's message, its command, its exit code and the next step."""
    words = decode(done.stderr).strip()
    lines = words.splitlines() or ["no message"]
    first = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0])
    words_given = iter(done.args[1 + len(SETTINGS) :])
    command = next(word for word in words_given if word != "-c" or not next(words_given))
    safe = _SAFE.search(words)
    hint = (
        f"if you trust this folder: {safe[0]}"
        if safe
        else next((text for pattern, text in _HINTS if re.search(pattern, words)), "")
    )
    what = first.removeprefix("fatal: ").removeprefix("error: ")
    return GitError(f"git {command} failed with exit code {done.returncode}: {what}", hint)
