"""Shared parts of the commands about stored fixes: choosing one, and displaying it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.text import one_line, path_line, plural, visible
from ralph_hooks.errors import GitError, RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import Applied
from ralph_hooks.git.snapshot import Repository, staged

_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_HEADERS = ("diff --git ", "+++ ", "--- ", "index ", "new file mode ", "deleted file mode ")


def choose(repository: Repository, prefix: str | None) -> StoredFix:
    """Return the fix that the user means. Raises RalphError with the next step if there is none."""
    if prefix is not None:
        return fixes.find(repository, prefix)
    if fix := waiting(repository):
        return fix
    known = fixes.every(repository)
    if not known:
        raise RalphError("no fix is stored for this repository", "run `ralph-hooks fix` to repair the staged change")
    raise RalphError(
        f"no stored fix matches the staged change; the newest, {known[0].id}, was made for an earlier state"
        f" ({one_line(known[0].title)}, {_when(known[0].created)})",
        f"`ralph-hooks apply {known[0].id}` merges it with your files; `ralph-hooks show {known[0].id}` shows it",
    )


def waiting(repository: Repository) -> StoredFix | None:
    """Return the newest fix of exactly the staged change."""
    try:
        tree = staged(repository).change.tree
    except GitError:  # conflicts in the index: no fix can match
        return None
    return fixes.newest_for(repository, tree)


def waits(fix: StoredFix) -> str:
    """Return one line that announces the stored fix."""
    return f"A fix is ready: {brief(fix)}\n  -> `ralph-hooks show {fix.id}` shows it, `ralph-hooks apply` applies it"


BY_REPRODUCER = "verified by its own reproducer"


def brief(fix: StoredFix) -> str:
    """Return ``1a2b3c4d  2026-01-02 03:04  2 files +3 -1, verified: what it does``."""
    size = f"{plural(fix.files, 'file')} +{fix.insertions} -{fix.deletions}"
    checked = "verified" if fix.verified else BY_REPRODUCER if fix.reproduced else "NOT verified"
    return f"{fix.id}  {_when(fix.created)}  {size}, {checked}: {one_line(fix.summary.partition(chr(10))[0])}"


def in_full(repository: Repository, fix: StoredFix, *, color: bool) -> Iterator[str]:
    """Yield the lines of a complete fix."""
    yield click.style(f"fix {fix.id}", bold=True) if color else f"fix {fix.id}"
    yield f"for:      {one_line(fix.title)}, {_when(fix.created)}"
    yield f"changes:  {plural(fix.files, 'file')} +{fix.insertions} -{fix.deletions}"
    yield (
        "verified: yes, your verify commands passed with it"
        if fix.verified
        else f"verified: {BY_REPRODUCER}; no verify command has passed with it"
        if fix.reproduced
        else "verified: NO, no verify command has passed with it"
    )
    if fix.verified and fix.reproduced:
        yield f"          {BY_REPRODUCER}, too"
    yield ""
    yield from (f"    {line}" for line in visible(fix.summary).splitlines())
    yield ""
    for line in fixes.patch(repository, fix).splitlines():
        yield _painted(visible(line)) if color else visible(line)
    yield ""
    current = waiting(repository)
    yield f"  -> `ralph-hooks apply{'' if current and current.id == fix.id else f' {fix.id}'}` applies it"


def told(applied: Applied) -> Iterator[str]:
    """Yield a line for each changed file."""
    for path in applied.paths:
        yield f"  {path_line(path)}{' (merged with your own edits)' if path in applied.merged else ''}"


def _painted(line: str) -> str:
    if line.startswith(_HEADERS):
        return click.style(line, bold=True)
    color = _COLORS.get(line[:1])
    return click.style(line, fg=color) if color else line


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
