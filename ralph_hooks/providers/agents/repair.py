"""Repairs by a coding agent: it works in the scratch copy; only its changes to files count, not its answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import DeadlineReached, ModelError, NotFound
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Model
from ralph_hooks.providers.agents import program
from ralph_hooks.providers.agents.output import read

_WORDS = 4_000  # characters of an agent's final output that are kept


def run_agent(
    agent: Model, task: str, bench: Workbench, deadline: Deadline, *, environ: Mapping[str, str], key: str
) -> Completion:
    """Have ``agent`` do ``task`` in the scratch copy. Raises ModelError if it says that it has failed."""
    command = program.with_model(agent.provider.command, agent.name)
    run = bench.run_agent(command, task, deadline, program.environment(agent.provider, environ, key))
    name = PurePath(command[0]).name
    told = read(run.output)
    error: ModelError
    if run.exit_code is None:
        error = DeadlineReached(f"{name} was stopped after {run.seconds:.0f} s because the deadline was reached")
    elif run.exit_code in {program.NOT_FOUND, program.NOT_EXECUTABLE} and not told.usage:
        error = NotFound(f"{name} could not be started: {program.last_line(run.errors) or 'no such program'}")
    elif run.exit_code or told.failed:
        error = program.failure(name, told, run.errors, run.exit_code)
    else:
        return Completion(text=told.text[:_WORDS], usage=told.usage)
    error.usage = told.usage
    raise error
