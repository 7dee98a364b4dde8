"""Verify commands that are run on what is staged."""

from __future__ import annotations

import shlex
import sys
import time

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verification
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.repo import Repo

PYTHON = shlex.quote(sys.executable)


CASE = '<testcase classname="t" name="n"><failure/></testcase>'


def python(code: str) -> str:
    return f"{PYTHON} -c {shlex.quote(code)}"


def listed(*commands: str | Command) -> tuple[Command, ...]:
    return tuple(Command(command) if isinstance(command, str) else command for command in commands)


def verify(
    repo: Repo, *commands: str | Command, timeout: float = 60.0, seconds: float = 60.0, memory: int | None = None
) -> tuple[Verification, ...]:
    """Run ``commands`` on what is staged."""
    opened = open_repository(repo.path)
    change = staged(opened).change
    verifier = CommandVerifier(opened, change, timeout=timeout, memory=memory)
    return verifier.run(change.tree, change.base, listed(*commands), Deadline(seconds, time.monotonic))


def verify_one(repo: Repo, command: str | Command, **limits: float) -> Verification:
    (only,) = verify(repo, command, timeout=limits.get("timeout", 60.0), seconds=limits.get("seconds", 60.0))
    return only
