"""Every check there is."""

from __future__ import annotations

from ralph_hooks.checks.conflicts import Conflicts
from ralph_hooks.checks.imports import Imports
from ralph_hooks.checks.ruff import Ruff
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.checks.syntax import Syntax
from ralph_hooks.checks.unicode import Invisible
from ralph_hooks.checks.weakened import WeakenedTests
from ralph_hooks.core.ports.checks import ChangeCheck, Check


def all_checks(ruff: Ruff | None = None) -> tuple[Check, ...]:
    """Return the checks in the order of their findings; ``ruff`` may use a project's own configuration."""
    return Secrets(), Invisible(), Conflicts(), Syntax(), ruff or Ruff()


def all_change_checks(weakened: str) -> tuple[ChangeCheck, ...]:
    """Return the checks that judge a change as a whole.

    Args:
        weakened: what a weakened test or rule leads to: ``note``, ``block`` or ``off``.
    """
    imports: tuple[ChangeCheck, ...] = (Imports(),)
    return imports if weakened == "off" else (*imports, WeakenedTests(blocks=weakened == "block"))


def slow_checks() -> tuple[Check, ...]:
    """Return the checks that start a process, which takes about as long for many files as for one."""
    return (Ruff(),)
