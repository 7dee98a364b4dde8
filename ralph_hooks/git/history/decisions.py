"""Labelled examples from the decisions of users: what became of each finding that the gate has shown.

A change is buggy at the lines of findings that were fixed or accepted. It is clean if all of its findings were
dismissed, or if it passed without one; of several such attempts at one change the last one counts. Bypassed or open
findings leave it undecided: nobody has said who was right.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ralph_hooks.core.backtest import ChangeLabel, Example, Lines
from ralph_hooks.core.change import Entry
from ralph_hooks.core.stats import FindingOutcome, PlacedOutcome, ReviewedTree
from ralph_hooks.git.snapshot import Repository, resolve

_TRUE = frozenset((FindingOutcome.FIXED, FindingOutcome.ACCEPTED))


class Decided(Struct, frozen=True, kw_only=True):
    """Examples, and the numbers of changes that are none."""

    examples: tuple[Example, ...]
    undecided: int
    """Changes with findings that were bypassed or are open, or whose place was not recorded."""
    gone: int
    """Changes whose files git has removed: they were never committed."""


def decided(repository: Repository, trees: Sequence[ReviewedTree]) -> Decided:
    """Return the examples that the outcomes of findings in ``trees`` make."""
    chosen = [(each, label) for each in trees if each.entries and (label := _label(each)) is not None]
    last = {each.base: each.tree for each, label in chosen if label is ChangeLabel.CLEAN}
    repeated = [pair for pair in chosen if pair[1] is ChangeLabel.CLEAN and last[pair[0].base] != pair[0].tree]
    chosen = [pair for pair in chosen if pair not in repeated]
    names = {oid for each, _ in chosen for entry in each.entries for oid in _blobs(entry)}
    listed = sorted(names)
    there = {name for name, oid in zip(listed, resolve(repository, listed), strict=True) if oid}
    kept = [pair for pair in chosen if all(oid in there for entry in pair[0].entries for oid in _blobs(entry))]
    return Decided(
        examples=tuple(_example(each, label) for each, label in kept),
        undecided=sum(bool(each.entries) for each in trees) - len(chosen) - len(repeated),
        gone=len(chosen) - len(kept),
    )


def _blobs(entry: Entry) -> list[str]:
    """Return the ids of the contents that a review of ``entry`` reads."""
    return [] if entry.unreadable() else [oid for oid in (entry.old_oid, entry.new_oid) if oid]


def _label(tree: ReviewedTree) -> ChangeLabel | None:
    """Return the label of a change; None if it is undecided."""
    if any(map(_is_true, tree.findings)):
        return ChangeLabel.BUGGY
    if all(each.outcome is FindingOutcome.DISMISSED for each in tree.findings) and (
        tree.findings or not tree.held_back
    ):
        return ChangeLabel.CLEAN
    return None


def _is_true(finding: PlacedOutcome) -> bool:
    return finding.outcome in _TRUE and finding.lines.start > 0


def _example(tree: ReviewedTree, label: ChangeLabel) -> Example:
    after: dict[str, set[int]] = {}
    removed: dict[str, set[int]] = {}
    for finding in filter(_is_true, tree.findings):
        (removed if finding.removed else after).setdefault(finding.path, set()).update(finding.lines)
    return Example(
        id=tree.tree,
        label=label,
        tree=tree.tree,
        base=tree.base,
        entries=tree.entries,
        wrong={
            path: Lines(frozenset(after.get(path, ())), frozenset(removed.get(path, ()))) for path in after | removed
        },
    )
