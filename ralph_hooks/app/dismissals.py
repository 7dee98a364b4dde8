"""Dismissing findings: select them, write the entries, and find entries whose code is gone."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence

from ralph_hooks import secrets
from ralph_hooks.core.change import Content, decode
from ralph_hooks.core.dismissal import Dismissal, DismissalKind, entry_for
from ralph_hooks.core.finding import Finding, Severity, digest
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import one_line, path_line, visible
from ralph_hooks.engine.review.anchors import anchored
from ralph_hooks.engine.review.review_input import SECRET
from ralph_hooks.errors import RalphError
from ralph_hooks.git import dismissals as files
from ralph_hooks.git.run import try_git
from ralph_hooks.git.snapshot import Repository

_SHOWN = 10
_SHORTEST = 4  # minimum digits of an id that names a finding


def dismissable(reports: Iterable[Report]) -> dict[str, Finding]:
    """Return the findings of ``reports`` by fingerprint: the latest report first, blocking findings before advice."""
    found: dict[str, Finding] = {}
    for report in reports:
        for finding in report.findings:
            found.setdefault(finding.fingerprint, finding)
    return found


def chosen(names: Sequence[str], known: dict[str, Finding]) -> list[Finding]:
    """Return the findings whose ids start with ``names``. Raises RalphError for none or several."""
    picked: dict[str, Finding] = {}
    for name in names:
        wanted = name.strip().lower()
        fits = [key for key in known if len(wanted) >= _SHORTEST and key.startswith(wanted)]
        if len(fits) == 1:
            picked[fits[0]] = known[fits[0]]
            continue
        some = fits or list(known)
        listed = "; ".join(described(known[key]) for key in some[:_SHOWN])
        what = "more than one finding has" if fits else "no finding in this repository's reports has"
        raise RalphError(
            f"{what} an id that begins with {one_line(name)!r}",
            f"choose one: {listed}" if listed else "run `ralph-hooks gate` to review the staged change",
        )
    return list(picked.values())


def described(finding: Finding) -> str:
    """Return the finding in one line: ``1a2b3c4d shop/cart.py:41 error bug``."""
    return f"{finding.id} {path_line(finding.path)}:{finding.line} {finding.severity} {one_line(finding.category)}"


def dismiss(repository: Repository, findings: Sequence[Finding], kind: DismissalKind, reason: str) -> list[Dismissal]:
    """Add entries for ``findings`` to the working tree's file and return them. Raises RalphError, GitError."""
    there = files.entries_of(repository)
    by, today = files.author(repository), dt.datetime.now().astimezone().date().isoformat()
    entries = [
        entry_for(
            finding, kind=kind, reason=reason, by=by, on=today, salt=os.urandom(8).hex(), mask=masked(finding.path)
        )
        for finding in findings
    ]
    files.write_file(repository, (*there, *entries))
    return entries


def masked(path: str) -> Callable[[str], str]:
    """Return a function that redacts credentials in a line of ``path``."""
    return lambda text: secrets.mask(text, path)


def undo(repository: Repository, names: Sequence[str]) -> list[Dismissal]:
    """Remove the entries named by ``names`` from the file and return them. Raises RalphError."""
    there = files.entries_of(repository)
    gone: dict[str, Dismissal] = {}
    for name in names:
        wanted = name.strip().lower()
        fits = [entry for entry in there if len(wanted) >= _SHORTEST and entry.id.startswith(wanted)]
        if len(fits) != 1:
            what = "more than one dismissal has" if fits else "no dismissal has"
            raise RalphError(f"{what} an id that begins with {one_line(name)!r}", "see `ralph-hooks dismiss --list`")
        gone[fits[0].id] = fits[0]
    files.write_file(repository, tuple(entry for entry in there if entry.id not in gone))
    return list(gone.values())


def expired(repository: Repository, entries: Sequence[Dismissal]) -> list[Dismissal]:
    """Return the entries whose code is in no file of the working tree any more.

    An entry about removed code, or about a commit's message, has no code to look for: it is kept.
    """
    return [entry for entry in entries if not entry.removed and _is_gone(repository, entry)]


def prune(repository: Repository) -> list[Dismissal]:
    """Remove the expired entries from the file and return them. Raises RalphError."""
    there = files.entries_of(repository)
    gone = expired(repository, there)
    if gone:
        files.write_file(repository, tuple(entry for entry in there if entry not in gone))
    return gone


def _is_gone(repository: Repository, entry: Dismissal) -> bool:
    if entry.path.startswith(("commit ", "tag ")):
        return False
    own = _read(repository, entry.path)
    if own is not None:
        return not _has(entry, entry.path, own)
    return not any(
        _has(entry, path, data) for path in _holding(repository, entry) if (data := _read(repository, path)) is not None
    )


def _has(entry: Dismissal, path: str, data: bytes) -> bool:
    """Return True if a line of ``data`` has the fingerprint of ``entry``."""
    lines = secrets.mask(decode(data), path).split("\n")
    numbers = [number for number, line in enumerate(lines, 1) if visible(line.strip()) == entry.code]
    made = anchored(
        [_finding(path, number, entry, lines[number - 1].rstrip()) for number in numbers], path, Content(None, data)
    )
    return any(digest(entry.finding, finding.anchor) == entry.id for finding in made)


def _finding(path: str, line: int, entry: Dismissal, context: str) -> Finding:
    return Finding(
        path=path,
        line=line,
        end_line=line + entry.lines - 1,
        category=SECRET if entry.digest else "",
        severity=Severity.NOTE,
        confidence=0.0,
        message="",
        quote="",
        context=context,
        source="",
    )


def _holding(repository: Repository, entry: Dismissal) -> list[str]:
    """Return the files that hold the code of an entry whose own file is gone."""
    if entry.digest or not entry.code:
        return []
    args = ["grep", "-z", "-l", "-F", "--untracked", "-e", entry.code]
    listed = try_git(args, cwd=repository.top, env=repository.environment).stdout
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _read(repository: Repository, path: str) -> bytes | None:
    whole = repository.top / path
    try:
        return None if whole.is_symlink() else whole.read_bytes()
    except (OSError, ValueError):
        return None
