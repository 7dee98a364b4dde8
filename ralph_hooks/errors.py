"""The one error a user sees, and the exit codes scripts rely on."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command of ralph-hooks."""

    PASS = 0
    REJECTED = 1
    USAGE = 2
    UNJUDGED = 3
    UNTRUSTED = 4
    INTERRUPTED = 130


class RalphError(Exception):
    """An error that the user can act on, with the next step.

    ``message`` is one sentence without a final full stop; ``hint`` is the next step, or empty if there is none.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(RalphError):
    """The configuration cannot be used: names the file, the key and what was expected."""


class GitError(RalphError):
    """git refused or the repository is in a state that cannot be judged."""


class RepairRefused(Exception):
    """A repair breaks a rule for repairs. ``str()`` names the rule and the path."""


class CapError(RalphError):
    """A spend cap came before the end."""

    exit_code = ExitCode.UNJUDGED


class UntrustedError(RalphError):
    """The repository asks for something that the user has not approved yet."""

    exit_code = ExitCode.UNTRUSTED
