"""The outcome of every finding that was shown: fixed, accepted, dismissed or bypassed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import DismissalKind
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import Report
from ralph_hooks.core.stats import FindingLabel, FindingOutcome, Judgement
from ralph_hooks.store.sqlite import Database, RepositoryId, Unavailable

_KINDS = {DismissalKind.FALSE_ALARM: FindingOutcome.DISMISSED, DismissalKind.ACCEPTED: FindingOutcome.ACCEPTED}
_OPEN = "SELECT id, fingerprint, change, tree, path, source FROM labels WHERE repository = ? AND outcome = ''"
_LAST = "SELECT id, outcome FROM labels WHERE repository = ? AND fingerprint = ? ORDER BY id DESC LIMIT 1"
_DECIDE = "UPDATE labels SET outcome = ?, decided = ? WHERE id = ?"


class StoredLabels:
    """Implements `core.ports.store.Labels`."""

    def __init__(
        self,
        database: Database,
        repository: RepositoryId,
        *,
        run: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._repository = repository
        self._run = run
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
            "INSERT INTO judgements (at, repository, repository_name, run, change, tree, held_back, cost)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (now, *self._where(), self._run, name, change.tree, int(report.exit_code != 0), cost),
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

    def _follow(
        self,
        connection: sqlite3.Connection,
        report: Report,
        change: Change,
        name: str,
        trees: Collection[str],
        shown: Collection[str],
        dismissed: Mapping[str, FindingOutcome],
    ) -> set[str]:
        """Update the labels of findings shown before; return those that are shown again."""
        still: set[str] = set()
        rows = connection.execute(_OPEN, (self._repository.key,)).fetchall()
        for number, fingerprint, first, tree, path, source in rows:
            if fingerprint in shown:
                still.add(fingerprint)
                connection.execute("UPDATE labels SET tree = ? WHERE id = ?", (change.tree, number))
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
                connection.execute("UPDATE labels SET outcome = '', tree = ? WHERE id = ?", (tree, number))
                return
        connection.execute(
            "INSERT INTO labels (at, repository, repository_name, fingerprint, change, tree, path, source, category,"
            " evidence, version, blocking, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
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
            ),
        )

    def _where(self) -> tuple[str, str]:
        return self._repository.key, self._repository.name


def _judged(report: Report, path: str, source: str) -> bool:
    """Return True where ``report`` is about ``path``, and ``source`` could have found it again."""
    there = {item.path for item in report.checked}
    if "/" in source:
        there -= {item.path for item in report.unreviewed}
    return path in there


def read(
    database: Database, *, since: float, until: float, repository: RepositoryId | None
) -> tuple[list[FindingLabel], list[Judgement]]:
    """Return all labels and judgements from ``since`` to ``until``, in seconds since 1970. Raises Unavailable."""
    scope, values = (" AND repository = ?", (repository.key,)) if repository else ("", ())
    where = f"WHERE at >= ? AND at < ?{scope} ORDER BY id"
    labels = database.query(
        f"SELECT at, change, source, category, evidence, blocking, outcome FROM labels {where}",  # noqa: S608 - constants
        (since, until, *values),
    )
    judgements = database.query(
        f"SELECT at, change, held_back, cost FROM judgements {where}",  # noqa: S608 - constants
        (since, until, *values),
    )
    return [_label(*row) for row in labels], [
        Judgement(at=at, change=change, held_back=bool(held), cost_usd=None if cost is None else Decimal(cost))
        for at, change, held, cost in judgements
    ]


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
