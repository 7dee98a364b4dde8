"""Past reviews by tree, with their time, reviewer and cost: for the push gate and for `ralph-hooks show --commits`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Receipt, Verdict
from ralph_hooks.store.session import Row
from ralph_hooks.store.sqlite import Database, RepositoryId, Result, Unavailable

_YEAR = 366 * 86_400.0  # seconds
_COLUMNS = "at, repository, tree, base, settings, command, verdict, models, cost"
_INSERT = f"INSERT INTO receipts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_FIELDS = (
    "r.id, r.at, r.tree, r.base, r.settings, r.command, r.verdict, r.models, r.cost,"
    " (SELECT count(*) FROM receipt_commits WHERE receipt = r.id)"
)
_LISTED = "IN (SELECT value FROM json_each(?))"
_BY_TREE = f"SELECT {_FIELDS} FROM receipts r WHERE r.tree {_LISTED}"  # noqa: S608 - constants
_BY_COMMIT = f"SELECT c.oid, {_FIELDS} FROM receipt_commits c JOIN receipts r ON r.id = c.receipt WHERE c.oid {_LISTED}"  # noqa: S608 - constants
_PASSES = f"SELECT tree, base FROM receipts WHERE verdict = 'pass' AND (? IS NULL OR settings = ?) AND tree {_LISTED}"  # noqa: S608 - constants
_PASSED_WITH_OTHERS = (
    "SELECT DISTINCT c.oid FROM receipt_commits c JOIN receipts r ON r.id = c.receipt"  # noqa: S608 - constants
    f" WHERE r.verdict = 'pass' AND r.settings = ? AND c.oid {_LISTED}"
)
_SKIPPED = "skipped "
_AMENDS = 20  # how often a commit may have been amended and still be recognised

_Row = tuple[float, str, str, str, str, str, str, str | None, int]
"""`_FIELDS` but the first."""
Steps = Mapping[str, Collection[str]]
"""By tree, the trees that it was compared with and passed."""


class JudgedCommit(Struct, frozen=True):
    """One judgement that a commit was part of."""

    receipt: Receipt
    together: int
    """The number of commits judged at once; 0 for a change that was no commit yet."""


class StoredReceipts:
    """Implements `core.ports.store.Receipts`.

    A tree is the same in every repository, so all of them are searched.
    """

    def __init__(self, database: Database, repository: RepositoryId, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._repository = repository
        self._clock = clock

    def add(self, receipt: Receipt) -> None:
        """Keep ``receipt`` for a year. One that cannot be written is among the database's troubles."""
        row = self._row(receipt)
        if not receipt.commits:
            self._database.defer(_INSERT, row)  # a commit pays for one write
            return
        try:
            self._database.transact(lambda connection: self._write(connection, row, receipt.commits))
        except Unavailable as error:
            self._database.note(f"{error.message}; this review is not recorded for its commits")

    def passed(self, settings: str, commits: Sequence[Commit]) -> frozenset[str]:
        """Return the ``commits`` that passed with these ``settings``: each for itself, or with others in a push.

        A state that cannot be read knows of none.
        """
        try:
            steps = self._steps(settings, commits)
            oids = [commit.oid for commit in commits]
            rows = self._read(_PASSED_WITH_OTHERS, oids, lambda row: str(row[0]), settings)
        except Unavailable as error:
            self._database.note(f"{error.message}; earlier reviews are not known")
            return frozenset()
        alone = {commit.oid for commit in commits if _leads(steps, commit.tree, commit.base)}
        return frozenset(alone.union(rows))

    def skipped(self, commits: Sequence[Commit]) -> Mapping[str, str]:
        """Return the checks skipped when each of ``commits`` was last judged, by object id; only those with something.

        A state that cannot be read knows of none.
        """
        try:
            last = {oid: judged[-1].receipt.skipped for oid, judged in self.of(commits).items() if judged}
        except Unavailable:
            return {}  # given by `passed`
        return {oid: names for oid, names in last.items() if names}

    def of(self, commits: Sequence[Commit]) -> dict[str, tuple[JudgedCommit, ...]]:
        """Return the reviews of each of ``commits``, by object id and the oldest first. Raises Unavailable."""
        steps = self._steps(None, commits)
        same: dict[str, list[Commit]] = {}
        for commit in commits:
            same.setdefault(commit.tree, []).append(commit)
        found: dict[str, dict[int, JudgedCommit]] = {commit.oid: {} for commit in commits}
        for number, judged in self._read(_BY_TREE, same, lambda row: (row[0], _judged(row[1:]))):
            for commit in same[judged.receipt.tree]:
                if _leads(steps, judged.receipt.base, commit.base):
                    found[commit.oid][number] = judged
        for oid, number, judged in self._read(_BY_COMMIT, found, lambda row: (row[0], row[1], _judged(row[2:]))):
            found[oid][number] = judged
        return {oid: tuple(judged for _, judged in sorted(items.items())) for oid, items in found.items()}

    def _steps(self, settings: str | None, commits: Sequence[Commit]) -> Steps:
        """Return what leads from the trees of ``commits`` back to others.

        The hook of an amended commit saw the step alone.
        """
        steps: dict[str, set[str]] = {}
        wanted = {commit.tree for commit in commits}
        for _ in range(_AMENDS):
            rows = self._read(_PASSES, wanted, lambda row: msgspec.convert(row, tuple[str, str]), settings, settings)
            for tree, base in rows:
                steps.setdefault(tree, set()).add(base)
            wanted = {base for _, base in rows} - steps.keys()
            if not wanted:
                break
        return steps

    def _read(
        self, sql: str, names: Collection[str], convert: Callable[[Row], Result], *parameters: str | None
    ) -> list[Result]:
        """Return the rows of ``sql``, whose last parameter are ``names``, each through ``convert``."""
        return self._database.read(sql, (*parameters, msgspec.json.encode(list(names)).decode()), convert)

    def _row(self, receipt: Receipt) -> Row:
        return (
            self._clock(),
            self._repository.key,
            receipt.tree,
            receipt.base,
            f"{_SKIPPED}{receipt.skipped}" if receipt.skipped else receipt.settings,  # so that it passes nothing later
            receipt.command,
            receipt.verdict.value,
            "\n".join(receipt.models),
            None if receipt.cost_usd is None else str(receipt.cost_usd),
        )

    def _write(self, connection: sqlite3.Connection, row: Row, commits: Sequence[str]) -> None:
        number = connection.execute(_INSERT, row).lastrowid
        connection.executemany("INSERT INTO receipt_commits VALUES (?, ?)", [(commit, number) for commit in commits])
        old = "SELECT id FROM receipts WHERE at < ?"
        connection.execute(f"DELETE FROM receipt_commits WHERE receipt IN ({old})", (self._clock() - _YEAR,))  # noqa: S608 - a constant
        connection.execute("DELETE FROM receipts WHERE at < ?", (self._clock() - _YEAR,))


def _leads(steps: Steps, start: str, goal: str) -> bool:
    """Return whether ``goal`` is ``start`` or can be reached from it."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        tree = waiting.pop()
        if tree == goal:
            return True
        if tree not in seen:
            seen.add(tree)
            waiting += steps.get(tree, ())
    return False


def _judged(row: Row) -> JudgedCommit:
    """Return the commit. Raises ValueError or ArithmeticError for a malformed row."""
    at, tree, base, settings, command, verdict, models, cost, together = msgspec.convert(row, _Row)
    receipt = Receipt(
        tree=tree,
        base=base,
        settings="" if settings.startswith(_SKIPPED) else settings,
        skipped=settings.removeprefix(_SKIPPED) if settings.startswith(_SKIPPED) else "",
        command=command,
        verdict=Verdict(verdict),
        models=tuple(models.split("\n")) if models else (),
        cost_usd=None if cost is None else Decimal(cost),
        at=at,
    )
    return JudgedCommit(receipt, together)
