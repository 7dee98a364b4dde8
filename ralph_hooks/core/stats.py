"""Accuracy of the gate in real use: the outcome of every finding shown. Pure arithmetic over labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from ralph_hooks.core.backtest import Rate, interval
from ralph_hooks.core.change import Entry


class FindingOutcome(StrEnum):
    """Outcome of a finding that was shown."""

    FIXED = "fixed"
    """The code at its place changed, and the finding is gone: it was right."""
    ACCEPTED = "accepted"
    """It was right, and the project lives with it."""
    DISMISSED = "dismissed"
    """It was wrong."""
    BYPASSED = "bypassed"
    """It was committed anyway; no decision says if it was right."""
    OPEN = ""
    """Nothing happened yet."""


TRUE = (FindingOutcome.FIXED, FindingOutcome.ACCEPTED)


class FindingLabel(Struct, frozen=True, kw_only=True):
    """One reported finding and its outcome."""

    at: float
    """Time at which it was first shown, in seconds since 1970."""
    change: str
    """Change for which it was first shown: the same one however often it was reviewed."""
    source: str
    """The model or the check."""
    category: str
    evidence: str
    blocking: bool
    outcome: FindingOutcome


class Judgement(Struct, frozen=True, kw_only=True):
    """One run that reviewed a change."""

    at: float
    """Seconds since 1970."""
    change: str
    held_back: bool
    cost_usd: Decimal | None
    """US dollars; None if it is not known."""


class PlacedOutcome(Struct, frozen=True):
    """The place of a finding in a reviewed tree, and its outcome."""

    path: str
    lines: range
    """From 1; the number 0 if the place was not recorded."""
    removed: bool
    """True if the lines are those of the base."""
    outcome: FindingOutcome


class ReviewedTree(Struct, frozen=True, kw_only=True):
    """A tree that was reviewed against its base, with the findings shown in it."""

    base: str
    tree: str
    held_back: bool
    entries: tuple[Entry, ...]
    """Empty if they were not recorded."""
    findings: tuple[PlacedOutcome, ...]


class Group(Struct, frozen=True, kw_only=True):
    """Outcomes of a group of findings."""

    name: str
    fixed: int = 0
    accepted: int = 0
    dismissed: int = 0
    bypassed: int = 0
    open: int = 0

    @property
    def shown(self) -> int:
        """Number of findings."""
        return self.fixed + self.accepted + self.dismissed + self.bypassed + self.open

    @property
    def true(self) -> int:
        """Number of findings that were right."""
        return self.fixed + self.accepted

    @property
    def precision(self) -> Rate:
        """Share of right findings among the decided ones, with its Wilson interval at 95 %."""
        return interval(self.true, self.true + self.dismissed)


class Statistics(Struct, frozen=True, kw_only=True):
    """Everything `ralph-hooks stats` says."""

    scope: str
    since: str
    until: str
    changes: int
    """Reviewed changes, each counted once."""
    held_back: int
    """The number of these that were blocked at least once."""
    clean: int
    """Changes without a blocking finding that was right or is undecided."""
    false_blocks: int
    """The number of clean ones that were blocked by a finding that was dismissed."""
    whole: Group
    by_source: tuple[Group, ...]
    by_category: tuple[Group, ...]
    by_evidence: tuple[Group, ...]
    by_month: tuple[Group, ...]
    """The earliest first, YYYY-MM."""
    cost_usd: Decimal = Decimal(0)
    """US dollars of the runs whose cost is known."""
    unknown: int = 0
    """Runs whose cost is not known."""

    @property
    def false_block_rate(self) -> Rate:
        """False blocks among clean changes, with its Wilson interval at 95 %."""
        return interval(self.false_blocks, self.clean)

    @property
    def cost_per_true_usd(self) -> Decimal | None:
        """US dollars for each finding that was right; None if there is none."""
        return self.cost_usd / self.whole.true if self.whole.true else None


def statistics(
    labels: Sequence[FindingLabel],
    judgements: Sequence[Judgement],
    *,
    month: Callable[[float], str],
    scope: str,
    since: str = "",
    until: str = "",
) -> Statistics:
    """Count ``labels`` and ``judgements``. ``month`` names the month of a time, YYYY-MM."""
    changes = {each.change for each in judgements}
    blocking = [label for label in labels if label.blocking]
    wrong = {label.change for label in blocking if label.outcome is FindingOutcome.DISMISSED}
    others = {label.change for label in blocking if label.outcome is not FindingOutcome.DISMISSED}
    clean = changes - others
    costs = [each.cost_usd for each in judgements]
    return Statistics(
        scope=scope,
        since=since,
        until=until,
        changes=len(changes),
        held_back=len({each.change for each in judgements if each.held_back}),
        clean=len(clean),
        false_blocks=len(wrong & clean),
        whole=_group("", labels),
        by_source=_groups(labels, lambda label: label.source),
        by_category=_groups(labels, lambda label: label.category),
        by_evidence=_groups(labels, lambda label: label.evidence),
        by_month=tuple(sorted(_groups(labels, lambda label: month(label.at)), key=lambda group: group.name)),
        cost_usd=sum((cost for cost in costs if cost is not None), Decimal(0)),
        unknown=costs.count(None),
    )


def _groups(labels: Iterable[FindingLabel], name: Callable[[FindingLabel], str]) -> tuple[Group, ...]:
    """Return the groups, the largest first."""
    found: dict[str, list[FindingLabel]] = {}
    for label in labels:
        found.setdefault(name(label), []).append(label)
    groups = [_group(key, members) for key, members in found.items()]
    return tuple(sorted(groups, key=lambda group: (-group.shown, group.name)))


def _group(name: str, labels: Sequence[FindingLabel]) -> Group:
    outcomes = [label.outcome for label in labels]
    return Group(
        name=name,
        fixed=outcomes.count(FindingOutcome.FIXED),
        accepted=outcomes.count(FindingOutcome.ACCEPTED),
        dismissed=outcomes.count(FindingOutcome.DISMISSED),
        bypassed=outcomes.count(FindingOutcome.BYPASSED),
        open=outcomes.count(FindingOutcome.OPEN),
    )
