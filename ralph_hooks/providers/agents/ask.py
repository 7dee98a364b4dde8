"""One question to a coding agent: without tools, in an empty folder, in a process of its own.

In a provider's `ask`, in the contents of its `files` and in the values of its `variables` stand

- ``{model}`` for the model's name; with the name ``default`` the option before it is left out;
- ``{system}`` for the instructions, ``{system-file}`` for a file that holds them;
- ``{schema}`` for the JSON Schema of the answer, ``{schema-file}`` for a file that holds it;
- ``{folder}`` for the folder that the agent is started in.

The question comes on standard input, behind the instructions where nothing else carries them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import DeadlineReached, NotFound
from ralph_hooks.core.ports.models import Completion, ModelRequest
from ralph_hooks.core.route import Provider
from ralph_hooks.core.usage import Usage, estimate_tokens
from ralph_hooks.process import Bounded, allowed_environment, run_bounded, temporary_folder
from ralph_hooks.providers.agents import program
from ralph_hooks.providers.agents.output import Output, read

_KEPT = 4 * 1024 * 1024
"""Bytes of output: the answer comes last, after events that describe every available tool."""

_PLACE = re.compile(r"\{[a-z-]+\}")


def ask(request: ModelRequest, deadline: Deadline, *, environ: Mapping[str, str], key: str) -> Completion:
    """Return the agent's answer. Raises ModelError if it gives none.

    The usage is the agent's own figure; without one it is estimated from the request and the answer, and marked so.
    """
    provider = request.model.provider
    name = PurePath(provider.ask[0]).name
    done = _run(request, deadline, environ=environ, key=key)
    if done.returncode is None:
        raise DeadlineReached(f"{name} was stopped after {done.seconds:.0f} s because the deadline was reached")
    told = read(done.tail)
    if done.returncode or told.failed:
        raise program.failure(name, told, done.errors, done.returncode)
    return Completion(text=told.text, usage=told.usage or _estimated(request, told))


def _run(request: ModelRequest, deadline: Deadline, *, environ: Mapping[str, str], key: str) -> Bounded:
    """Start the program of `ask` in an empty folder and wait for it."""
    provider = request.model.provider
    with temporary_folder() as folder:
        top = Path(folder)
        here = top / "empty"
        here.mkdir()
        values = _values(request, top, here)
        question = top / "question"
        question.write_text(_question(request), encoding="utf-8", errors="replace")
        for path, content in provider.files.items():
            file = here / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(content, values), encoding="utf-8")
        try:
            return run_bounded(
                [_filled(word, values) for word in program.with_model(provider.ask, request.model.name)],
                cwd=here,
                env={
                    **allowed_environment(environ),
                    **program.environment(provider, environ, key),
                    **{name: _filled(value, values) for name, value in provider.variables.items()},
                },
                timeout=deadline.remaining(),
                keep=_KEPT,
                stdin=question,
                apart=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            raise NotFound(f"{PurePath(provider.ask[0]).name} could not be started: {error}") from error


def _values(request: ModelRequest, top: Path, here: Path) -> Mapping[str, str]:
    """Return the values of the placeholders. Files lie outside of the agent's folder, which is empty."""
    schema = msgspec.json.encode(request.schema).decode()
    files = {"{system-file}": top / "system.md", "{schema-file}": top / "schema.json"}
    files["{system-file}"].write_text(request.system, encoding="utf-8")
    files["{schema-file}"].write_text(schema, encoding="utf-8")
    paths = {name: str(path) for name, path in files.items()}
    return {"{system}": request.system, "{schema}": schema, "{folder}": str(here), **paths}


def _question(request: ModelRequest) -> str:
    if carries_system(request.model.provider):
        return request.prompt
    return f"{request.system}\n\n{request.prompt}"


def carries_system(provider: Provider) -> bool:
    """Return whether the command takes the instructions separately, in a file or a variable."""
    places = (*provider.ask, *provider.files.values(), *provider.variables.values())
    return any("{system}" in place or "{system-file}" in place for place in places)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with names replaced by their values; the values themselves are not expanded again."""
    return _PLACE.sub(lambda found: values.get(found[0], found[0]), text)


def _estimated(request: ModelRequest, told: Output) -> Usage:
    return Usage(
        input_tokens=estimate_tokens(request.system) + estimate_tokens(request.prompt),
        output_tokens=estimate_tokens(told.text),
        estimated=True,
    )
