"""The project's own linters, each run on one file of HEAD."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from ralph_hooks.app.context import Context
from ralph_hooks.checks.linters import problem_of
from ralph_hooks.cli.doctor.probes import ProbeLine, ok, warn
from ralph_hooks.core.change import Change
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.linter import Linter, LinterCall
from ralph_hooks.core.text import path_line
from ralph_hooks.errors import RalphError
from ralph_hooks.git.run import git
from ralph_hooks.git.sandbox.linter_runner import GitLinterRunner

_PATIENCE = 30.0  # seconds for each linter


def linters(context: Context) -> Iterator[ProbeLine]:
    """Yield a line for each linter: does it start, and can its output be read?"""
    if not context.settings.linters:
        return
    try:
        tree = os.fsdecode(_git(context, "rev-parse", "--verify", "--quiet", "HEAD^{tree}")).strip()
        names = os.fsdecode(_git(context, "ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)).split("\0")[:-1]
    except RalphError:
        yield warn("linter", "there is no commit yet to try the linters on", "look again after the first commit")
        return
    verify = context.settings.verify
    runner = GitLinterRunner(context.repository, network=verify.network, dependencies=verify.share_dependencies)
    for linter in context.settings.linters:
        yield _line(runner, linter, tree, names)


def _line(runner: GitLinterRunner, linter: Linter, tree: str, names: list[str]) -> ProbeLine:
    path = next(filter(linter.covers_path, names), "")
    if not path:
        return warn("linter", f"{linter.name}: no file of HEAD matches its paths", "correct `paths` or `cwd`")
    calls = [LinterCall(line, linter.cwd, _PATIENCE) for line in linter.lines([path])]
    runs = runner.run(
        tree, Change(tree=tree, base=tree, entries=(), title=""), calls, Deadline(_PATIENCE, time.monotonic)
    )
    problem = problem_of(linter, path, runs)
    if problem:
        return warn("linter", f"{linter.name}: {problem}", f"run `{linter.run}` by hand, then correct [[linters]]")
    return ok("linter", f"{linter.name}: checked {path_line(path)}, its output is {linter.format.value}")


def _git(context: Context, *args: str) -> bytes:
    return git(list(args), cwd=context.repository.top, env=context.repository.environment)
