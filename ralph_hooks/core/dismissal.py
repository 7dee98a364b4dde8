"""Dismissed findings: the file that holds them, and the findings it excuses.

The file is TOML, one block per finding, sorted by id. Sixteen comment lines, one for each first digit of an id,
separate the blocks: two branches that each add one merge without a conflict unless both ids begin alike.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from ralph_hooks.core.finding import SHORT, Finding
from ralph_hooks.core.text import visible

DISMISSED = ".ralph-hooks/dismissed.toml"
"""Path of the file in which a repository keeps its team's dismissed findings."""
SECRETS_BASELINE = ".secrets.baseline"
"""Path of the file in which detect-secrets keeps values that a project has listed as not secret."""
MAX_BYTES = 2_000_000
"""A larger file is not read."""
_HEAD = """\
# Findings of ralph-hooks that this project has dismissed: see `ralph-hooks dismiss --help`.
# The lines "# 0" to "# f" keep two people's entries from conflicting in a merge. Commit this file.
"""
_DIGITS = "0123456789abcdef"
_ID = re.compile(r"[0-9a-f]{16}")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class DismissalKind(StrEnum):
    """Reason for which a finding is dismissed."""

    FALSE_ALARM = "false-alarm"
    """It is wrong."""
    ACCEPTED = "accepted"
    """It is right, and the project lives with it."""


class Dismissal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of the file."""

    id: str
    """The whole fingerprint."""
    path: str
    """Path of the finding; after a rename the finding is recognised by its code."""
    finding: str
    """The kind of finding: ``ruff F821``, ``defect``."""
    code: str = ""
    """The first of its lines, for people; credentials are masked."""
    lines: int = 1
    """Number of lines that it quotes."""
    kind: DismissalKind
    reason: str
    by: str = ""
    """Name and address of the author, as git has them."""
    on: str = ""
    """The day, YYYY-MM-DD."""
    removed: bool = False
    """True if it is about code that a change removed."""
    salt: str = ""
    """Of a secret: random, for ``digest``."""
    digest: str = ""
    """Of a secret: distinguishes it from another one on an otherwise equal line."""

    def excuses(self, finding: Finding) -> bool:
        """Return True for the finding that was dismissed, wherever its file is now."""
        if self.id != finding.fingerprint:
            return False
        return self.digest == salted(finding.value, self.salt) if finding.value or self.digest else True


class Dismissed(Struct, frozen=True, kw_only=True):
    """A finding that a report leaves out because it was dismissed."""

    finding: Finding
    kind: DismissalKind
    reason: str
    by: str
    in_change: bool
    """True if the change itself brings the dismissal: its base does not have it."""


class Dismissals(Struct, frozen=True, kw_only=True):
    """The dismissals that hold for one change."""

    base: tuple[Dismissal, ...] = ()
    """Those that the base of the change has."""
    change: tuple[Dismissal, ...] = ()
    """Those that the change adds."""
    own: tuple[Dismissal, ...] = ()
    """Those that only the author's working tree has."""
    unreadable: tuple[str, ...] = ()
    """Reasons why entries could not be read; such entries dismiss nothing."""

    def split(
        self, findings: Sequence[Finding], there: Callable[[str], bool]
    ) -> tuple[tuple[Finding, ...], tuple[Dismissed, ...]]:
        """Return the findings that remain, and those that are dismissed.

        Args:
            findings: of one change.
            there: True if the reviewed tree has a path. An entry holds for another path only if its own is gone.
        """
        known: dict[str, tuple[Dismissal, bool]] = {}
        for entries, in_change in ((self.own, False), (self.change, True), (self.base, False)):
            known |= {entry.id: (entry, in_change) for entry in entries}
        standing: list[Finding] = []
        dismissed: list[Dismissed] = []
        for finding in findings:
            entry, in_change = known.get(finding.fingerprint, (None, False))
            if entry is None or not entry.excuses(finding) or not _same_file(entry, finding, there):
                standing.append(finding)
                continue
            dismissed.append(
                Dismissed(finding=finding, kind=entry.kind, reason=entry.reason, by=entry.by, in_change=in_change)
            )
        return tuple(standing), tuple(dismissed)


def _same_file(entry: Dismissal, finding: Finding, there: Callable[[str], bool]) -> bool:
    return entry.path == visible(finding.path) or not there(entry.path)


def salted(value: str, salt: str) -> str:
    """Return the hash of a secret's ``value`` (already slow, see `Finding.value`) that a file may hold."""
    return hashlib.sha256(f"{salt}\0{value}".encode()).hexdigest()


def entry_for(
    finding: Finding,
    *,
    kind: DismissalKind,
    reason: str,
    by: str,
    on: str,
    salt: str,
    mask: Callable[[str], str],
) -> Dismissal:
    """Return the entry that dismisses ``finding``. ``mask`` hides credentials; ``salt`` is random."""
    secret = bool(finding.value)
    first = (finding.context or finding.quote.partition("\n")[0]).strip()
    return Dismissal(
        id=finding.fingerprint,
        path=visible(finding.path),
        finding=finding.kind,
        code=visible(mask(first)),
        lines=max(1, finding.end_line - finding.line + 1),
        kind=kind,
        reason=visible(mask(reason.strip())),
        by=visible(by),
        on=on,
        removed=finding.removed,
        salt=salt if secret else "",
        digest=salted(finding.value, salt) if secret else "",
    )


def read(data: bytes) -> tuple[Dismissal, ...]:
    """Return the entries of a file. Raises ValueError with the problem if it is invalid."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    import tomli

    try:
        table: Mapping[str, object] = tomli.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if set(table) - {"dismissed"}:
        raise ValueError(f"unknown key {min(set(table) - {'dismissed'})!r}; only [[dismissed]] blocks are allowed")
    entries = msgspec.convert(table.get("dismissed", []), tuple[Dismissal, ...])
    for entry in entries:
        if not _ID.fullmatch(entry.id):
            raise ValueError(f"{entry.id!r} is not an id: expected 16 hexadecimal digits")
        if not entry.reason.strip():
            raise ValueError(f"entry {entry.id[:SHORT]} has no reason")
    return entries


def write(entries: Iterable[Dismissal]) -> bytes:
    """Return the file that holds ``entries``, each id once; the last one counts."""
    by_id = {entry.id: entry for entry in entries}
    parts = [_HEAD]
    for digit in _DIGITS:
        parts.append(f"# {digit}\n")
        parts += [_block(by_id[id_]) for id_ in sorted(by_id) if id_.startswith(digit)]
    return "\n".join(parts).encode("utf-8", "backslashreplace")


def _block(entry: Dismissal) -> str:
    fields = msgspec.to_builtins(entry)
    return "\n".join(["[[dismissed]]", *(f"{name} = {_value(value)}" for name, value in fields.items())]) + "\n"


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case _:
            return '"{}"'.format("".join(_escaped(char) for char in str(value)))


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"  # noqa: PLR2004 - as TOML has it
