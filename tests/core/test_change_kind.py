"""Kinds of change."""

from __future__ import annotations

from ralph_hooks.core.change_kind import Kind


def test_everything_but_logic_is_boilerplate() -> None:
    assert [kind for kind in Kind if not kind.boilerplate] == [Kind.LOGIC]
