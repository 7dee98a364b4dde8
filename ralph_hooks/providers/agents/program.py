"""An agent's program: its presence, its environment variables, and its failures as errors."""

from __future__ import annotations

import re
import shutil
from collections.abc import Container, Mapping, Sequence
from pathlib import PurePath

from ralph_hooks.core.change import decode
from ralph_hooks.core.model_errors import (
    AgentFailed,
    Denied,
    ModelError,
    NoCredential,
    NotFound,
    RateLimited,
    TooLarge,
    Unreachable,
)
from ralph_hooks.core.route import Model, Provider
from ralph_hooks.core.text import one_line
from ralph_hooks.process import allowed_environment
from ralph_hooks.providers.agents.output import Output, read

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes of a shell that could not start a program."""
_DEFAULT = "default"
"""The name of a model that leaves the choice to the agent."""
_MODEL = "{model}"
_FIND = ("XDG_CONFIG_HOME",)
"""Beside HOME: where an agent finds its own login."""
_WORDS = 4_000  # characters

_GEMINI_LOGIN = 41
"""The exit code of gemini for an authentication error: https://geminicli.com/docs/cli/headless."""
_UNAUTHORIZED, _FORBIDDEN, _MODEL_NOT_FOUND, _TOO_LARGE, _TOO_MANY, _SERVER = 401, 403, 404, 413, 429, 500
_LOGIN = re.compile(
    r"not logged in|please (?:run )?/?log ?in|run /login|login required|no authentication|not authenticated"
    r"|set an auth method|please (?:sign|log) in|session (?:has )?expired|invalid auth method",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"(?:usage|rate|session|weekly|5-hour|spending|quota)[ -]limit|hit your limit|limit reached"
    r"|quota (?:exceeded|exhausted)|exhausted your (?:capacity|quota)|too many requests|\b429\b|resource_exhausted",
    re.IGNORECASE,
)
_DENIED = re.compile(r"invalid api key|incorrect api key|api key not valid|\b401\b|unauthorized", re.IGNORECASE)
_LARGE = re.compile(r"prompt is too long|context (?:window|length)|too many tokens", re.IGNORECASE)
_STATUS = re.compile(r'"(?:code|status|statusCode)":\s*([45]\d\d)\b')
_ERROR = re.compile(r"^\W*(?:fatal )?error\b.*", re.IGNORECASE | re.MULTILINE)
_UNKNOWN = re.compile(r"model\b.{0,80}(?:not exist|not found|not supported|no access)", re.IGNORECASE)
_AWAY = re.compile(
    r"connection (?:refused|error|reset)|unable to connect|fetch failed|ECONN|ENOTFOUND|network|overloaded|timed? ?out",
    re.IGNORECASE,
)


def ready(agent: Model, environ: Mapping[str, str]) -> None:
    """Raise NotFound if the program of ``agent`` is not there."""
    provider = agent.provider
    for command in filter(None, (provider.command, provider.ask)):
        program = command[0]
        found = shutil.which(program, path=allowed_environment(environ).get("PATH"))
        if PurePath(program).name == program and not found:
            raise NotFound(f"{program} was not found on PATH: install it, or correct the command of {provider.name}")


def with_model(command: Sequence[str], name: str) -> tuple[str, ...]:
    """Return ``command`` with the model's ``name`` for ``{model}``; without the option if the agent chooses."""
    if name != _DEFAULT:
        return tuple(word.replace(_MODEL, name) for word in command)
    words: list[str] = []
    for word in command:
        if word == _MODEL:
            words.pop()  # the option before it
        elif _MODEL not in word:
            words.append(word)
    return tuple(words)


def environment(provider: Provider, environ: Mapping[str, str], key: str) -> dict[str, str]:
    """Return the variables that the user passes to this agent; all others withheld from programs stay out."""
    seen = {name: environ[name] for name in (*provider.environment, *_FIND) if name in environ}
    return {**seen, provider.api_key_env: key} if key else seen


def failure(program: str, told: Output, errors: bytes, exit_code: int) -> ModelError:
    """Return the error that an agent ended with, from its output (``told``) or standard error.

    The provider's status, where there is one, takes precedence over the text.
    """
    if not told.failed:
        printed = read(errors)
        told = printed if printed.failed else Output(_said(errors) or last_line(told.text.encode()), told.usage)
    words = one_line(told.text)
    found = _STATUS.search(told.text)
    status = told.status or (int(found[1]) if found else None)
    error = _error(program, words, status, exit_code)
    error.usage = told.usage
    return error


def _error(program: str, words: str, status: int | None, exit_code: int) -> ModelError:
    said = f"{program}: {words or f'ended with {exit_code} without a message'}"
    if _GEMINI_LOGIN in {exit_code, status} or _LOGIN.search(words):
        return NoCredential(f"{said} (log in: start {program} once by hand)")
    if status == _TOO_MANY or (status is None and _LIMIT.search(words)):
        return RateLimited(said, None)
    kinds: tuple[tuple[Container[int], re.Pattern[str], type[ModelError]], ...] = (
        ({_UNAUTHORIZED, _FORBIDDEN}, _DENIED, Denied),
        ({_TOO_LARGE}, _LARGE, TooLarge),
        ({_MODEL_NOT_FOUND}, _UNKNOWN, NotFound),
        (range(_SERVER, 600), _AWAY, Unreachable),
    )
    for statuses, pattern, kind in kinds:
        if status in statuses or (status is None and pattern.search(words)):
            return kind(said)
    return AgentFailed(f"{program} ended with {exit_code}: {words or 'no message'}")


def _said(errors: bytes) -> str:
    """Return the line of standard error that begins with "error", before a stack trace; else the last one."""
    found = _ERROR.search(decode(errors))
    return found[0].strip()[:_WORDS] if found else last_line(errors)


def last_line(output: bytes) -> str:
    """Return the last line of ``output`` that is not blank."""
    lines = decode(output).strip().splitlines()
    return lines[-1].strip()[-_WORDS:] if lines else ""
