"""The outcome of every finding that was shown: fixed, accepted, dismissed or bypassed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change, Entry
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.dismissal import DismissalKind
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import Report
from ralph_hooks.core.stats import FindingLabel, FindingOutcome, Judgement, PlacedOutcome, ReviewedTree
from ralph_hooks.store.session import Row, TeamStoreUnavailable
from ralph_hooks.store.sqlite import Database, RepositoryId, Unavailable
from ralph_hooks.store.state import State

_MOST_ENTRIES = 200  # of a change that is kept as an example
_KINDS = {DismissalKind.FALSE_ALARM: FindingOutcome.DISMISSED, DismissalKind.ACCEPTED: FindingOutcome.ACCEPTED}
_OPEN = "SELECT id, fingerprint, change, tree, path, source FROM labels WHERE repository = ? AND outcome = ''"
_LAST = "SELECT id, outcome FROM labels WHERE repository = ? AND fingerprint = ? ORDER BY id DESC LIMIT 1"
_MOVE = "UPDATE labels SET tree = ?, line = ?, end_line = ?, removed = ? WHERE id = ?"
_REOPEN = _MOVE.replace("SET", "SET outcome = '',")
_DECIDE = "UPDATE labels SET outcome = ?, decided = ? WHERE id = ?"


class StoredLabels:
    """Implements `core.ports.store.Labels`. Outcomes made while no store is ``shared`` stay on this machine."""

    def __init__(
        self,
        database: Database,
        repository: RepositoryId,
        *,
        run: str = "",
        shared: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._repository = repository
        self._run = run
        self._shared = shared
        self._clock = clock

    def add(self, report: Report, change: Change, trees: Collection[str] = ()) -> None:
        """Record the findings that ``report`` on ``change`` shows, and update those shown before.

        ``trees`` are those of the commits that are pushed.
        """
        try:
            self._database.transact(lambda connection: self._write(connection, report, change, trees))
        except Unavailable as error:
            self._database.note(f"{error.message}; the outcome of earlier findings is not recorded")

    def decide(self, fingerprints: Sequence[str], kind: DismissalKind) -> None:
        """Record that these findings were dismissed."""

        def write(connection: sqlite3.Connection) -> None:
            for fingerprint in fingerprints:
                for number, _ in connection.execute(_LAST, (self._repository.key, fingerprint)).fetchall():
                    connection.execute(_DECIDE, (_KINDS[kind].value, self._clock(), number))

        try:
            self._database.transact(write)
        except Unavailable as error:
            self._database.note(f"{error.message}; this run is missing from the statistics")

    def _write(self, connection: sqlite3.Connection, report: Report, change: Change, trees: Collection[str]) -> None:
        stage = "push" if trees or report.refs else "commit"
        name = f"{self._repository.key} {stage} {change.base}"
        now = self._clock()
        cost = None if report.cost_usd is None else str(report.cost_usd)
        connection.execute(
            "INSERT INTO judgements (at, repository, repository_name, run, change, tree, held_back, cost, entries)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (now, *self._where(), self._run, name, change.tree, int(report.exit_code != 0), cost, _written(change)),
        )
        shown = {finding.fingerprint: finding for finding in report.findings if finding.confirmed is not False}
        dismissed = {item.finding.fingerprint: _KINDS[item.kind] for item in report.dismissed}
        still = self._follow(connection, report, change, name, trees, shown, dismissed)
        for fingerprint, finding in shown.items():
            if fingerprint not in still:
                self._show(connection, finding, name, change.tree, now)
        for fingerprint, outcome in dismissed.items():
            for number, before in connection.execute(_LAST, (self._repository.key, fingerprint)).fetchall():
                if before == FindingOutcome.BYPASSED:
                    connection.execute(_DECIDE, (outcome.value, now, number))
        if not self._shared:
            connection.execute("DELETE FROM unshared_labels")

    def _follow(
        self,
        connection: sqlite3.Connection,
        report: Report,
        change: Change,
        name: str,
        trees: Collection[str],
        shown: Mapping[str, Finding],
        dismissed: Mapping[str, FindingOutcome],
    ) -> set[str]:
        """Update the labels of findings shown before; return those that are shown again."""
        still: set[str] = set()
        rows = connection.execute(_OPEN, (self._repository.key,)).fetchall()
        for number, fingerprint, first, tree, path, source in rows:
            if fingerprint in shown:
                still.add(fingerprint)
                connection.execute(_MOVE, (*_place(shown[fingerprint], change.tree), number))
                continue
            outcome = dismissed.get(fingerprint, FindingOutcome.OPEN)
            if (
                outcome is FindingOutcome.OPEN
                and first == name
                and tree != change.tree
                and _judged(report, path, source)
            ):
                outcome = FindingOutcome.FIXED
            elif outcome is FindingOutcome.OPEN and (tree == change.base or tree in trees):
                outcome = FindingOutcome.BYPASSED
            if outcome is not FindingOutcome.OPEN:
                connection.execute(_DECIDE, (outcome.value, self._clock(), number))
        return still

    def _show(self, connection: sqlite3.Connection, finding: Finding, change: str, tree: str, now: float) -> None:
        """Add a new label, or reopen an earlier one after a bypass or a withdrawn dismissal."""
        for number, outcome in connection.execute(_LAST, (self._repository.key, finding.fingerprint)).fetchall():
            if outcome != FindingOutcome.FIXED:
                connection.execute(_REOPEN, (*_place(finding, tree), number))
                return
        connection.execute(
            "INSERT INTO labels (at, repository, repository_name, fingerprint, change, tree, path, source, category,"
            " evidence, version, blocking, line, end_line, removed, outcome)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
            (
                now,
                *self._where(),
                finding.fingerprint,
                change,
                tree,
                finding.path.encode("utf-8", "backslashreplace").decode(),
                finding.source,
                finding.category,
                finding.evidence.value,
                finding.version,
                int(finding.blocking),
                *_place(finding, tree)[1:],
            ),
        )

    def _where(self) -> tuple[str, str]:
        return self._repository.key, self._repository.name


def _place(finding: Finding, tree: str) -> tuple[str, int, int, int]:
    return tree, finding.line, finding.end_line, int(finding.removed)


def _judged(report: Report, path: str, source: str) -> bool:
    """Return True if ``report`` is about ``path``, and ``source`` could have found it again."""
    there = {item.path for item in report.checked}
    if "/" in source:
        there -= {item.path for item in report.unreviewed}
    return path in there


class Outcomes(Struct, frozen=True):
    """Labels and judgements of some time."""

    labels: list[FindingLabel]
    judgements: list[Judgement]
    of_team: bool = False
    """True if they are those of all machines that share a store."""


def read(state: State, *, since: float, until: float, repository: RepositoryId | None) -> Outcomes:
    """Return all labels and judgements from ``since`` to ``until``, in seconds since 1970. Raises Unavailable.

    By the team's store where there is one and it answers: there a repository goes by its name.
    """
    if state.team is not None:
        with suppress(TeamStoreUnavailable):
            state.team.share_labels()  # it includes the outcomes of this machine
            scope = ("repository_name", repository.name) if repository else None
            return _read(state.team.query, since, until, scope, of_team=True)
    scope = ("repository", repository.key) if repository else None
    return _read(state.database.query, since, until, scope, of_team=False)


def _read(
    query: Callable[[str, Sequence[object]], list[Row]],
    since: float,
    until: float,
    scope: tuple[str, str] | None,
    *,
    of_team: bool,
) -> Outcomes:
    named, values = (f" AND {scope[0]} = ?", (scope[1],)) if scope else ("", ())
    where = f"WHERE at >= ? AND at < ?{named} ORDER BY at, uid"
    labels = query(
        f"SELECT at, change, source, category, evidence, blocking, outcome FROM labels {where}",  # noqa: S608 - constants
        (since, until, *values),
    )
    judgements = query(
        f"SELECT at, change, held_back, cost FROM judgements {where}",  # noqa: S608 - constants
        (since, until, *values),
    )
    return Outcomes(
        [_label(*row) for row in labels],
        [
            Judgement(at=at, change=change, held_back=bool(held), cost_usd=None if cost is None else Decimal(cost))
            for at, change, held, cost in judgements
        ],
        of_team,
    )


def reviewed_trees(database: Database, repository: RepositoryId) -> list[ReviewedTree]:
    """Return the reviewed trees of ``repository`` with the outcomes of their findings. Raises Unavailable."""
    found: dict[tuple[str, str], list[PlacedOutcome]] = {}
    held: set[tuple[str, str]] = set()
    entries: dict[tuple[str, str], tuple[Entry, ...]] = {}
    for change, tree, held_back, written in database.query(
        "SELECT change, tree, held_back, entries FROM judgements WHERE repository = ? ORDER BY id", (repository.key,)
    ):
        found.setdefault((_base(change), tree), [])
        if held_back:
            held.add((_base(change), tree))
        if written:
            with suppress(msgspec.ValidationError):
                entries[_base(change), tree] = from_json(written.encode(), tuple[Entry, ...])
    for change, tree, path, line, end_line, removed, outcome in database.query(
        "SELECT change, tree, path, line, end_line, removed, outcome FROM labels WHERE repository = ? ORDER BY id",
        (repository.key,),
    ):
        placed = PlacedOutcome(path, range(line, end_line + 1), bool(removed), FindingOutcome(outcome))
        found.setdefault((_base(change), tree), []).append(placed)
    return [
        ReviewedTree(
            base=base,
            tree=tree,
            held_back=(base, tree) in held,
            entries=entries.get((base, tree), ()),
            findings=tuple(findings),
        )
        for (base, tree), findings in found.items()
    ]


def _written(change: Change) -> str | None:
    """Return the entries of ``change`` as JSON; None if they are too many, or a name is not UTF-8."""
    if len(change.entries) > _MOST_ENTRIES:
        return None
    try:
        return msgspec.json.encode(change.entries).decode()
    except UnicodeError:
        return None


def _base(change: str) -> str:
    return change.rpartition(" ")[2]


def _label(
    at: float,
    change: str,
    source: str,
    category: str,
    evidence: str,
    blocking: int,
    outcome: Any,  # noqa: ANN401 - a row
) -> FindingLabel:
    return FindingLabel(
        at=at,
        change=change,
        source=source,
        category=category,
        evidence=evidence,
        blocking=bool(blocking),
        outcome=FindingOutcome(outcome),
    )
