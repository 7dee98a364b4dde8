"""Every check there is."""

from __future__ import annotations

from ralph_hooks.checks.conflicts import Conflicts
from ralph_hooks.checks.ruff import Ruff
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.checks.syntax import Syntax
from ralph_hooks.checks.unicode import Invisible
from ralph_hooks.core.ports.checks import Check


def all_checks() -> tuple[Check, ...]:
    """In the order their findings are shown."""
    return Secrets(), Invisible(), Conflicts(), Syntax(), Ruff()


def slow_checks() -> tuple[Check, ...]:
    """Those that start a process, which takes about as long for many files as for one."""
    return (Ruff(),)
