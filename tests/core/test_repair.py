"""Stored repairs."""

from __future__ import annotations

from ralph_hooks.core.repair import StoredFix


def test_summary_of_a_stored_fix_has_its_figures() -> None:
    fix = StoredFix(
        id="1a2b", ref="refs/ralph/fixes/1a2b", commit="1" * 40, base="2" * 40, tree="3" * 40, title="staged change",
        summary="Mends it.", files=1, insertions=2, deletions=3, verified=True, created=0.0, reproduced=True,
    )  # fmt: skip
    summary = fix.summarised()
    assert (summary.id, summary.ref, summary.files, summary.insertions, summary.deletions) == (
        "1a2b",
        "refs/ralph/fixes/1a2b",
        1,
        2,
        3,
    )
    assert (summary.verified, summary.reproduced) == (True, True)
