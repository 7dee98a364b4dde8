"""Checks that a decoder cannot make: names that refer to each other, URLs, commands, path patterns.

A mistake is recorded in its file and replaced by a placeholder value, so that one pass finds all mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import UNSET, structs

from ralph_hooks.config.file import File
from ralph_hooks.config.settings import LINTER_NAME, CommandTable, RouteRule
from ralph_hooks.config.tables import (
    ENVIRONMENT_NAME,
    MODEL,
    PROVIDER_NAME,
    PROXY,
    STORE,
    VARIABLE,
    ModelsTable,
    PriceTable,
    ProviderTable,
)
from ralph_hooks.core.glob import matches
from ralph_hooks.core.linter import RESERVED
from ralph_hooks.core.route import PLACEHOLDER, Chain, Model, Phase, Provider, Structured, Wire
from ralph_hooks.core.usage import Price

Key = tuple[str | int, ...]

_CHEAP_PHASES = (Phase.ANALYZE, Phase.VERIFY, Phase.PLAN, Phase.FIX)
_REPAIRS = frozenset((Phase.IMPLEMENT, Phase.FIX))
"""Phases in which a coding agent runs its `command`; in the other phases it answers questions through its `ask`."""
_PATTERNS_IN_LABEL = 3

# Stricter than a URL parser on purpose: what this takes is read in the same way by every parser, so that the host that
# is checked here is the host that gets the key.
_URL = (
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/[A-Za-z0-9._~%:@!$&'()*+,;=-]*)*)"
)
_HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
"""A token (RFC 9110, 5.6.2)."""
_OWN_HEADERS = frozenset((
    "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "expect", "te",
    "trailer", "upgrade", "accept-encoding", "keep-alive", "proxy-authorization", "proxy-connection", "cookie",
))  # fmt: skip
"""Headers that control the transport of a request."""
_LOOPBACK = r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]"
_ENDPOINTS = ("/chat/completions", "/messages", "/responses")
_MAX_PORT = 65_535


def providers(file: File, *, own: bool) -> dict[str, Provider]:
    """Return the providers that ``file`` defines; ``own`` for the user's file."""
    found = {}
    for name, table in file.table.providers.items():
        key = ("providers", name)
        if not re.fullmatch(PROVIDER_NAME, name):
            file.blame(key, "expected a name without a slash or space", "models are written provider/model")
        _check_way(file, key, table)
        if table.api_key_env and not re.fullmatch(ENVIRONMENT_NAME, table.api_key_env):
            file.blame(
                (*key, "api-key-env"),
                "expected the NAME of an environment variable, in capitals, such as CORP_LLM_KEY (the value is "
                "not shown: it may be the key itself)",
                "keep the key out of the file: export it under that name",
            )
        if not _is_json(table.quick):
            file.blame((*key, "quick"), "expected a JSON value: no dates, no nan, no inf")
        _check_request(file, key, table, own=own)
        fields = structs.asdict(table) | {
            "base_url": table.base_url.rstrip("/"),
            "auth": None if table.auth is UNSET else table.auth,
        }
        if table.ask and not any("{schema" in word for word in table.ask):
            fields["structured"] = Structured.NONE  # the prompt has to describe the shape
        found[name] = Provider(name=name, **fields)
    return found


def _check_request(file: File, key: Key, table: ProviderTable, *, own: bool) -> None:
    """Check the parts of a request besides its body. Values are not shown: people put keys into them."""
    for name, given in (
        ("api-key-command", table.api_key_command),
        ("client-cert", table.client_cert),
        ("client-key", table.client_key),
    ):
        if given and not own:
            file.blame((*key, name), "a repository cannot set this key", "write it into your own config.toml")
    if table.client_key and not table.client_cert:
        file.blame((*key, "client-key"), "client-cert is missing", "add client-cert, or remove it")
    if any("\0" in word for word in table.api_key_command):
        file.blame((*key, "api-key-command"), "remove the NUL character")
    _check_headers(file, (*key, "headers"), table.headers)
    for name, value in table.query.items():
        if not name or not (name + value).isprintable():
            file.blame((*key, "query", name), "expected printable text")


def _check_headers(file: File, key: Key, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not re.fullmatch(_HEADER, name):
            file.blame((*key, name), "expected the name of a header", 'such as "x-team"')
        elif name.lower() in _OWN_HEADERS:
            file.blame((*key, name), "ralph-hooks sets this header itself", "remove it")
        elif not (value.isascii() and value.isprintable()):
            file.blame((*key, name), "a header may hold only printable ASCII")
        elif "${" in PLACEHOLDER.sub("", value):
            file.blame((*key, name), "expected ${NAME} with the name of an environment variable")


def _check_way(file: File, key: Key, table: ProviderTable) -> None:
    """Check that a provider has a URL or a command, as its wire requires."""
    if table.wire is Wire.AGENT:
        _check_agent(file, key, table)
        return
    if table.environment:
        file.blame((*key, "environment"), f'wire = "{table.wire}" starts no program', "remove it")
    for name in ("command", "ask"):
        if getattr(table, name):
            file.blame((*key, name), f'wire = "{table.wire}" runs no command', 'write wire = "agent", or remove it')
    if not table.base_url and not table.command and not table.ask:
        file.blame((*key, "base-url"), "missing; expected a URL", 'such as base-url = "https://llm.corp.example/v1"')
    if table.base_url:
        for problem, hint in _url_problems(table.base_url):
            file.blame((*key, "base-url"), problem, hint)


def _check_agent(file: File, key: Key, table: ProviderTable) -> None:
    if not table.command and not table.ask:
        file.blame((*key, "command"), 'missing; wire = "agent" needs it', 'such as command = ["claude", "-p"]')
    if table.base_url:
        file.blame((*key, "base-url"), 'wire = "agent" runs a command and has no URL', "remove one of the two")
    for name in ("command", "ask"):
        if any("\0" in word for word in getattr(table, name)):
            file.blame((*key, name), "remove the NUL character")
    for index, name in enumerate(table.environment):
        if not re.fullmatch(VARIABLE, name):
            file.blame(
                (*key, "environment", index),
                "expected the NAME of an environment variable (the value is not shown: it may be a secret)",
                'such as "HTTPS_PROXY"',
            )


def _url_problems(url: str) -> Iterator[tuple[str, str]]:
    """Yield each problem of ``url`` with its advice. They do not quote the URL, which may hold a key."""
    parts = re.fullmatch(_URL, url)
    if "@" in url.partition("://")[2].partition("/")[0]:
        yield "expected a URL without user name and password", "name the variable that holds the key in api-key-env"
    elif "?" in url or "#" in url:
        yield "expected a URL without ? and #", "put the key into the variable that api-key-env names"
    elif parts is None or int(parts["port"] or 0) > _MAX_PORT:
        yield "expected a URL", "such as https://llm.corp.example/v1, or http://127.0.0.1:8080/v1 on this machine"
    elif parts["scheme"] == "http" and not re.fullmatch(_LOOPBACK, parts["host"].lower()):
        yield "expected https: plain http would send your code and key unencrypted", "write https://"
    for endpoint in _ENDPOINTS:
        if parts and parts["path"].rstrip("/").endswith(endpoint):
            yield "expected the URL without the endpoint", f"leave out {endpoint}"


def _is_json(value: object) -> bool:
    match value:
        case dict():
            return all(map(_is_json, value.values()))
        case list():
            return all(map(_is_json, value))
        case float():
            return abs(value) < float("inf")  # false for nan too
    return isinstance(value, bool | int | str)


class Models:
    """Turns the names of models in one file into models."""

    def __init__(self, file: File, known: Mapping[str, Provider]) -> None:
        self._file = file
        self._known = known

    def for_all(self) -> dict[Phase, Chain]:
        """`cheap` and `expensive`, then each phase's own."""
        table = self._file.table
        chains: dict[Phase, Chain] = {}
        if "cheap" in self._file.raw:
            chain = tuple(self._model(("cheap",), table.cheap, _CHEAP_PHASES))
            chains |= dict.fromkeys(_CHEAP_PHASES, chain)
        if "expensive" in self._file.raw:
            chains[Phase.IMPLEMENT] = tuple(self._model(("expensive",), table.expensive, (Phase.IMPLEMENT,)))
        return chains | self._chains(("models",), table.models)

    def rules(self) -> Iterator[RouteRule]:
        """Yield the routes of the file, in its order."""
        for index, table in enumerate(self._file.table.routes):
            key = ("routes", index)
            check_patterns(self._file, (*key, "paths"), table.paths)
            models = self._chains((*key, "models"), table.models)
            if table.skip and models:
                self._file.blame(key, "skip and models exclude each other", "remove one of the two")
            place = f"routes[{index}]" if self._file.prefix else f"{self._file.path.name} routes[{index}]"
            more = ", ..." if len(table.paths) > _PATTERNS_IN_LABEL else ""
            label = f"{place} ({', '.join(table.paths[:_PATTERNS_IN_LABEL])}{more})"
            yield RouteRule(table.paths, models, table.skip, label, table.guidelines)

    def repairing_agents(self) -> tuple[Provider, ...]:
        """Return the coding agents that repair, according to the file."""
        groups = (self.for_all(), *(rule.models for rule in self.rules()))
        chains = (group.get(phase, ()) for group in groups for phase in _REPAIRS)
        models = (model for chain in chains for model in chain if model.provider.wire is Wire.AGENT)
        return tuple(dict.fromkeys(model.provider for model in models))

    def prices(self) -> dict[str, Price]:
        """Return the prices of models in the file."""
        for name in self._file.table.prices:
            list(self._model(("prices", name), name, ()))
        return {name: _price(table) for name, table in self._file.table.prices.items()}

    def _chains(self, key: Key, table: ModelsTable) -> dict[Phase, Chain]:
        chains = {}
        for phase in Phase:
            names: str | tuple[str, ...] = getattr(table, phase.value)
            if isinstance(names, str):
                chains[phase] = tuple(self._model((*key, phase.value), names, (phase,)))
            elif names:
                chains[phase] = self._chain((*key, phase.value), names, phase)
        return chains

    def _chain(self, key: Key, names: tuple[str, ...], phase: Phase) -> Chain:
        for index, name in enumerate(names):
            if name in names[:index]:
                self._file.blame((*key, index), f"{name} is listed twice in this chain", "remove one of the two")
        return tuple(model for index, name in enumerate(names) for model in self._model((*key, index), name, (phase,)))

    def _model(self, key: Key, name: str, phases: tuple[Phase, ...]) -> Iterator[Model]:
        """Yield the model called ``name``, or a mistake."""
        provider_name, _, model = name.partition("/")
        provider = self._known.get(provider_name)
        if not re.fullmatch(MODEL, name):
            self._file.blame(key, *_not_a_model(name, self._known))
        elif provider is None:
            from ralph_hooks.config.mistakes import quoted, suggestion

            self._file.blame(key, f"unknown provider {quoted(provider_name)}", suggestion(provider_name, self._known))
        elif wrong := _not_served(provider, phases):
            needed = "command" if wrong[0] in _REPAIRS else "ask"
            self._file.blame(
                key,
                f"{provider_name} is a coding agent and cannot serve {', '.join(wrong)}",
                f"add {needed} = [...] to [providers.{provider_name}]",
            )
        else:
            yield Model(provider, model)


def _not_served(provider: Provider, phases: tuple[Phase, ...]) -> list[Phase]:
    """Return those of ``phases`` that a coding agent has no command for."""
    if provider.wire is not Wire.AGENT:
        return []
    return [phase for phase in phases if not (provider.command if phase in _REPAIRS else provider.ask)]


def _not_a_model(name: str, known: Mapping[str, Provider]) -> tuple[str, str]:
    from ralph_hooks.config.mistakes import nearest, quoted

    example = f"{nearest(name, known) or 'PROVIDER'}/{name.strip('/ ')}" if name.strip("/ ") else "openai/gpt-5-mini"
    return f"expected a model, got {quoted(name)}", f"write provider/model, such as {quoted(example)}"


def _price(table: PriceTable) -> Price:
    # The shortest decimal that reads as the same float is what was written in the file.
    given: dict[str, Any] = {
        name: Decimal(str(value)) for name, value in structs.asdict(table).items() if value is not UNSET
    }
    return Price(**given)


def check_lists(file: File) -> None:
    """Check patterns and commands outside of routes and providers."""
    table = file.table
    for name, patterns in (("gate", table.gate.exclude), ("push", table.push.exclude)):
        check_patterns(file, (name, "exclude"), patterns)
    check_patterns(file, ("fix", "protected"), table.fix.protected)
    for index, command in enumerate(table.verify.commands):
        _check_command(file, ("verify", "commands", index), command)
    _check_linters(file)
    problem = _command_problem(table.proof.command) if table.proof.command else ""
    if not problem and table.proof.command and "{test}" not in table.proof.command:
        problem = "{test} is missing; it is replaced by the test file"
    if problem:
        file.blame(("proof", "command"), problem, 'such as "python -m pytest -q {test}"')


def _check_linters(file: File) -> None:
    names: set[str] = set()
    for index, linter in enumerate(file.table.linters):
        key = ("linters", index)
        if not re.fullmatch(LINTER_NAME, linter.name):
            file.blame((*key, "name"), "expected lowercase letters, digits, `.`, `_` and `-`", 'such as "eslint"')
        elif linter.name in RESERVED:
            file.blame(
                (*key, "name"),
                f"ralph-hooks has a check named {linter.name} itself",
                f'such as "project-{linter.name}"',
            )
        elif linter.name in names:
            file.blame((*key, "name"), f"{linter.name} is listed twice", "give each linter a name of its own")
        names.add(linter.name)
        problem = _command_problem(linter.run)
        if problem:
            file.blame((*key, "run"), problem, 'such as "ruff check --output-format sarif {files}"')
        check_patterns(file, (*key, "paths"), linter.paths)
        _check_folder(file, key, linter.cwd)


def check_personal(file: File, *, own: bool) -> None:
    """Check settings that only the user may make: the shared cache of verdicts and costs, and the proxy to models.

    Both may hold a password, so error messages do not repeat them.
    """
    store, proxy = file.table.store, file.table.proxy
    if store and not own:
        file.blame(
            ("store",),
            "a repository cannot choose the store of your verdicts (the value is not shown: it may hold a password)",
            "write it into your own config.toml, or set RALPH_HOOKS_STORE",
        )
    elif store and (problem := store_problem(store)):
        file.blame(("store",), *problem)
    if proxy and not own:
        file.blame(
            ("proxy",),
            "a repository cannot choose the proxy to your models (the value is not shown: it may hold a password)",
            "write it into your own config.toml",
        )
    elif proxy and not re.fullmatch(PROXY, proxy):
        file.blame(("proxy",), "expected the URL of an HTTP proxy", 'such as "http://proxy.corp.example:3128"')


def store_problem(url: str) -> tuple[str, str] | None:
    """Return the problem with the ``url`` of a store, and advice. Neither repeats the URL: it may hold a password."""
    if re.fullmatch(STORE, url):
        return None
    return "expected the URL of a PostgreSQL database", "such as postgresql://db.corp.example/ralph"


def _check_command(file: File, key: Key, command: str | tuple[str, ...] | CommandTable) -> None:
    if isinstance(command, CommandTable):
        _check_command(file, (*key, "run"), command.run)
        check_patterns(file, (*key, "paths"), command.paths)
        single = isinstance(command.junit, str)
        for index, pattern in enumerate((command.junit,) if isinstance(command.junit, str) else command.junit):
            if leads_out(pattern):
                at = (*key, "junit") if single else (*key, "junit", index)
                file.blame(at, "expected a pattern of files below cwd", 'such as "target/surefire-reports/*.xml"')
        _check_folder(file, key, command.cwd)
        return
    problem = _command_problem(command)
    if problem:
        file.blame(key, problem, 'such as "python -m pytest -q"')


def _check_folder(file: File, key: Key, cwd: str) -> None:
    if cwd and leads_out(cwd):
        file.blame((*key, "cwd"), "expected a folder of the repository", 'such as "packages/web"')


def leads_out(path: str) -> bool:
    """Return whether ``path`` is anything but the name of a place below a folder, with forward slashes."""
    parts = path.split("/")
    return path.startswith(("/", "~")) or ".." in parts or not path.strip("/. ") or "\\" in path or "\0" in path


def _command_problem(command: str | tuple[str, ...]) -> str | None:
    words = (command,) if isinstance(command, str) else command
    if not words[0].strip():
        return "expected a command, got only spaces"
    if any("\0" in word for word in words):
        return "remove the NUL character"
    if isinstance(command, str) and "<<" not in command and not {'"', "'", "\\"}.isdisjoint(command):
        import shlex

        try:
            shlex.split(command, comments=True)
        except ValueError as error:
            return f"cannot be split into words: {str(error).lower()}"
    return None


def check_patterns(file: File, key: Key, patterns: tuple[str, ...]) -> None:
    """Note what `core.glob` would read otherwise than the user meant, or not at all."""
    for index, pattern in enumerate(patterns):
        problem = _pattern_problem(pattern)
        if problem:
            file.blame((*key, index), *problem)


def _pattern_problem(pattern: str) -> tuple[str, str] | None:
    if pattern.startswith("!"):
        return "a pattern cannot be negated", "write a later rule of routes for the exception"
    if pattern.startswith(("./", "../", "~")) or not pattern.strip("/ "):
        return "expected a path from the top of the repository", 'such as "vendor/**"'
    if "\\" in pattern:
        return "expected forward slashes", f"write {pattern.replace(chr(92), '/')}"
    if "[" in pattern:  # every other character is taken literally or has a fixed meaning
        try:
            matches("", pattern)
        except re.error as error:
            return f"not a pattern: {error.msg}", ""
    return None


def sensitive(repository: File, user: File | None, agents: Iterable[Provider]) -> tuple[tuple[str, str], ...]:
    """Return what ``repository`` would make this machine run, or send somewhere.

    A provider that the user has defined too is the user's, and not listed. ``agents`` are those that the repository has
    repair, which starts them in its files; a question to one is no more than a question to a model.
    """
    from msgspec import json

    own: Mapping[str, Any] = user.table.providers if user else {}
    raw = repository.raw
    defined: Mapping[str, Any] = raw.get("providers", {})
    started = {agent.name: {"wire": "agent", "command": agent.command} for agent in agents}
    permissions = [
        (f"providers.{name}", each) for name, each in sorted({**started, **defined}.items()) if name not in own
    ]
    if repository.table.verify.commands:
        permissions.append(("verify.commands", raw["verify"]["commands"]))
    if repository.table.linters:
        permissions.append(("linters", raw["linters"]))
    if repository.table.proof.command and not (user is not None and user.table.proof.command):
        permissions.append(("proof.command", raw["proof"]["command"]))
    refused = user is not None and user.raw.get("fix", {}).get("network") is False
    if repository.table.fix.network and not refused:
        permissions.append(("fix.network", raw["fix"]["network"]))
    return tuple((key, json.encode(value, order="deterministic").decode()) for key, value in permissions)
