"""Names that are called on many types."""

from __future__ import annotations

import pytest

from ralph_hooks.languages.common_names import is_common


@pytest.mark.parametrize(("name", "common"), [("append", True), ("len", True), ("toString", True), ("in_cents", False)])
def test_name_of_a_library_says_little(name: str, *, common: bool) -> None:
    assert is_common(name) is common
