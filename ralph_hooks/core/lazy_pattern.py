"""Regular expressions that are compiled when they are first used: a text needs few of the many there are."""

from __future__ import annotations

import re
from typing import Any, cast


class _LazyPattern:
    """A regular expression that is compiled on first use."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of whatever `re.Pattern` has under the name
        compiled = re.compile(self.pattern)
        for method in ("match", "fullmatch", "search", "finditer", "findall", "sub"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazy(pattern: str) -> re.Pattern[str]:
    """Return ``pattern``, to be compiled at its first use."""
    return cast("re.Pattern[str]", _LazyPattern(pattern))
