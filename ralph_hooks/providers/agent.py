"""Coding agents: what one gets to see of the environment, and what its output says of tokens and cost.

Only what is documented is read, whatever program printed it:

- ``claude -p --output-format json`` or ``stream-json``: an object of type ``result`` with ``usage`` and
  ``total_cost_usd`` (https://code.claude.com/docs/en/headless, .../agent-sdk/cost-tracking);
- ``codex exec --json``: events, of which ``turn.completed`` has ``usage`` (https://developers.openai.com/codex/noninteractive).

aider and gemini promise no such fields, and opencode drops the last event now and then (anomalyco/opencode#26855): half
of what was used would pass for all of it, so what they use is not known.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import AgentFailed, DeadlineReached, ModelError, NotFound
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Model, Provider
from ralph_hooks.core.usage import Usage, charged
from ralph_hooks.process import allowed_environment

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # what a shell ends with
_WORDS = 4_000  # characters of an agent's last words that are kept
_FIND = ("XDG_CONFIG_HOME",)  # beside HOME: where an agent finds its own login


def ready(agent: Model, environ: Mapping[str, str]) -> None:
    """Raise NotFound where the program of ``agent`` is not there."""
    provider = agent.provider
    program = provider.command[0]
    if PurePath(program).name == program and not shutil.which(program, path=allowed_environment(environ).get("PATH")):
        raise NotFound(f"{program} was not found on PATH: install it, or change the command of {provider.name}")


def run_agent(
    agent: Model, task: str, bench: Workbench, deadline: Deadline, *, environ: Mapping[str, str], key: str
) -> Completion:
    """Have ``agent`` do ``task`` in the scratch copy. Raises ModelError where it says that it has failed."""
    seen = _environment(agent.provider, environ, key)
    run = bench.run_agent(agent.provider.command, task, deadline, seen)
    program = PurePath(agent.provider.command[0]).name
    told = understood(run.output)
    fault: ModelError
    if run.exit_code is None:
        fault = DeadlineReached(f"{program} was stopped after {run.seconds:.0f} s because the deadline came")
    elif run.exit_code in {_NOT_FOUND, _NOT_EXECUTABLE} and not told.usage:
        fault = NotFound(f"{program} could not be started: {_last_line(run.errors) or 'no such program'}")
    elif run.exit_code or told.failed:
        why = told.words if told.failed else _last_line(run.errors) or _last_line(run.output)
        fault = AgentFailed(f"{program} ended with {run.exit_code}: {why or 'no message'}")
    else:
        return Completion(text=told.words[:_WORDS], usage=told.usage)
    fault.usage = told.usage
    raise fault


def _environment(provider: Provider, environ: Mapping[str, str], key: str) -> dict[str, str]:
    """What the user lets this agent see, and nothing else of what is kept from programs."""
    seen = {name: environ[name] for name in (*provider.environment, *_FIND) if name in environ}
    return {**seen, provider.api_key_env: key} if key else seen


class Told(Struct, frozen=True):
    """What an agent's output says."""

    words: str
    usage: Usage | None = None
    """None where it does not say."""
    failed: bool = False
    """Whether it says so itself."""


class _Tokens(Struct):
    """Both formats name the fields alike, and count otherwise (see `_usage`)."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Item(Struct):
    type: str = ""
    text: str = ""


class _Error(Struct):
    message: str = ""


class _Event(Struct):
    """A line of output; the fields of both formats."""

    type: str
    is_error: bool = False
    subtype: str = ""
    result: str = ""
    total_cost_usd: Decimal | None = None
    usage: _Tokens | None = None
    item: _Item | None = None
    error: _Error | None = None


def understood(output: bytes) -> Told:
    """The last word of an agent, and what it used where that is documented."""
    told = Told(decode(output).strip()[-_WORDS:])
    usage: Usage | None = None
    for event in _events(output):
        match event.type:
            case "result":  # claude
                words = event.result or event.subtype.replace("_", " ")
                return Told(words.strip(), _usage(event), event.is_error)
            case "item.completed" if event.item is not None and event.item.type == "agent_message":  # codex, from here
                told = Told(event.item.text.strip())
            case "turn.completed":
                usage = _usage(event)
            case "turn.failed":
                return Told(event.error.message if event.error else "the turn failed", usage, failed=True)
    return Told(told.words, usage)


def _events(output: bytes) -> Iterator[_Event]:
    """Every object in ``output`` that can be one: a line each, or all of them in one list."""
    if output.lstrip().startswith(b"["):
        with contextlib.suppress(msgspec.DecodeError):
            yield from (_event(raw) for raw in from_json(output, list[msgspec.Raw]))
        return
    for line in output.splitlines():
        if line.startswith(b"{"):
            yield _event(line)


def _event(data: bytes | msgspec.Raw) -> _Event:
    try:
        return from_json(data, _Event)
    except msgspec.DecodeError:
        return _Event("")


def _usage(event: _Event) -> Usage | None:
    """Anthropic counts what was read from and written to the cache beside the input, OpenAI as part of it."""
    tokens = event.usage
    if tokens is None:
        return None
    if event.type == "turn.completed":
        return Usage(
            input_tokens=tokens.input_tokens,
            cached_input_tokens=tokens.cached_input_tokens or 0,
            output_tokens=tokens.output_tokens,
        )
    read, written = tokens.cache_read_input_tokens or 0, tokens.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=tokens.input_tokens + read + written,
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=tokens.output_tokens,
        reported_usd=None if event.total_cost_usd is None else charged(event.total_cost_usd),
    )


def _last_line(output: bytes) -> str:
    lines = decode(output).strip().splitlines()
    return lines[-1].strip()[-_WORDS:] if lines else ""
