"""The kinds of change that a file can have. `languages.change_kind` determines them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Everything but `LOGIC` is boilerplate."""

    LOGIC = "logic"
    DOCUMENTATION = "documentation"
    CONFIGURATION = "configuration"
    TEST_DATA = "test data"
    FORMATTING = "formatting"
    """The program is the same: white space, line breaks, comments."""
    RENAME = "rename"

    @property
    def boilerplate(self) -> bool:
        """True if a mistake in this kind of change is easy to fix."""
        return self is not Kind.LOGIC
