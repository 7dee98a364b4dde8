"""Majority of several analyze passes over one file: a finding that one pass alone reports is often a guess."""

from __future__ import annotations

from collections.abc import Sequence

from ralph_hooks.core.finding import Finding

_NEAR = 2  # lines: passes quote different lines of the same defect


def majority(answers: Sequence[Sequence[Finding]], passes: int) -> tuple[tuple[Finding, ...], bool]:
    """Return the findings that more than half of ``passes`` report, and whether passes without answer could add one.

    ``answers`` are the findings of the passes that answered. A finding is as severe and as certain as at least as many
    passes say.
    """
    needed = passes // 2 + 1
    missing = passes - len(answers)
    groups: list[dict[int, Finding]] = []
    for number, findings in enumerate(answers):
        for finding in sorted(findings, key=_strength):
            group = next((each for each in groups if number not in each and _same(each, finding)), None)
            if group is None:
                group = {}
                groups.append(group)
            group[number] = finding
    kept = [sorted(group.values(), key=_strength)[needed - 1] for group in groups if len(group) >= needed]
    short = [needed, *(needed - len(group) for group in groups if len(group) < needed)]
    return tuple(sorted(kept, key=lambda finding: finding.line)), min(short) <= missing


def _strength(finding: Finding) -> tuple[int, float]:
    return finding.severity.rank, -finding.confidence


def _same(group: dict[int, Finding], finding: Finding) -> bool:
    """Return whether ``finding`` is about the same place as a finding of ``group``."""
    return any(
        other.removed == finding.removed
        and other.line - _NEAR <= finding.end_line
        and finding.line - _NEAR <= other.end_line
        for other in group.values()
    )
