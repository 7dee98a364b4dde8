"""Majority of several analyze passes over one file: a finding that one pass alone reports is often a guess."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ralph_hooks.core.finding import Finding

_NEAR = 2.5  # lines: passes quote different lines of the same defect


def majority(answers: Sequence[Sequence[Finding]], passes: int) -> tuple[tuple[Finding, ...], bool]:
    """Return the findings that more than half of ``passes`` report, and whether passes without answer could add one.

    ``answers`` are the findings of the passes that answered. A finding is as severe and as certain as at least as many
    passes say.
    """
    needed = passes // 2 + 1
    missing = passes - len(answers)
    groups: list[dict[int, Finding]] = []
    for number, findings in enumerate(answers):
        _join(groups, number, sorted(findings, key=_strength))
    kept = [sorted(group.values(), key=_strength)[needed - 1] for group in groups if len(group) >= needed]
    short = [needed, *(needed - len(group) for group in groups if len(group) < needed)]
    return tuple(sorted(kept, key=lambda finding: finding.line)), min(short) <= missing


def _strength(finding: Finding) -> tuple[int, float]:
    return finding.severity.rank, -finding.confidence


def _join(groups: list[dict[int, Finding]], number: int, findings: Sequence[Finding]) -> None:
    """Add each finding of pass ``number`` to the group of the nearest place, else begin a new one."""
    pairs = [
        (_distance(group, finding), place, index)
        for index, group in enumerate(groups)
        for place, finding in enumerate(findings)
    ]
    left = set(range(len(findings)))
    for distance, place, index in sorted(pairs):
        if distance <= _NEAR and place in left and number not in groups[index]:
            groups[index][number] = findings[place]
            left.discard(place)
    groups += ({number: findings[place]} for place in sorted(left))


def _distance(group: Mapping[int, Finding], finding: Finding) -> float:
    """Return how many lines ``finding`` is away from the nearest finding of ``group``."""
    return min(
        max(0, finding.line - other.end_line, other.line - finding.end_line) + abs(finding.line - other.line) / 1e6
        if other.removed == finding.removed
        else math.inf
        for other in group.values()
    )
