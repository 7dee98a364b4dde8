"""Rules for coding agents in AGENTS.md."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.cli.init.agent_rules import FILE, RULES, rules


def test_rules_come_behind_what_is_there_and_only_once(tmp_path: Path) -> None:
    new = rules(tmp_path)
    assert new is not None
    assert (new.before, new.after) == (None, RULES)
    (tmp_path / FILE).write_text("# Ours\n\n\n")
    more = rules(tmp_path)
    assert more is not None
    assert more.after == f"# Ours\n\n{RULES}"
    (tmp_path / FILE).write_text(more.after)
    assert rules(tmp_path) is None
