"""Patterns that are compiled at their first use."""

from __future__ import annotations

import re

import pytest

from ralph_hooks.core.lazy_pattern import lazy


def test_lazy_pattern_is_the_pattern_once_it_is_used() -> None:
    pattern = lazy(r"a(\d)")
    found = pattern.search("xa1")
    assert found is not None
    assert (found[1], pattern.sub("b", "a2"), pattern.groups) == ("1", "b", 1)


def test_wrong_pattern_fails_only_where_it_is_used() -> None:
    wrong = lazy("(")
    with pytest.raises(re.error):
        wrong.search("x")
