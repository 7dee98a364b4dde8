"""Addition of settings to a configuration file that leaves every existing byte in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli

from ralph_hooks.config.file import TABLE
from ralph_hooks.errors import ConfigError

Values = Mapping[str, Any]
"""Tables as TOML has them: strings, numbers, lists, and tables below."""


def render(values: Values, prefix: Sequence[str] = TABLE) -> str:
    """Return ``values`` as they would appear in a file of their own, under ``prefix``."""
    import tomlkit

    return tomlkit.dumps(_tables(_below(prefix, values)))


def added(text: str, values: Values, prefix: Sequence[str] = TABLE) -> str:
    """Return ``text`` with ``values`` in its table ``prefix``; keys that are there already must not be among them.

    Only lines are added. Raises ConfigError if that cannot be done, with what to write by hand.
    """
    wanted = _merged(tomli.loads(text), _below(prefix, values))
    for candidate in _candidates(text, values, prefix):
        if _keeps_lines(text, candidate) and _parsed(candidate) == wanted:
            return candidate
    raise ConfigError(
        "cannot add to this file without changing existing lines",
        f"add this yourself:\n{render(values, prefix)}",
    )


def _below(prefix: Sequence[str], values: Values) -> Values:
    for name in reversed(prefix):
        values = {name: values}
    return values


def _candidates(text: str, values: Values, prefix: Sequence[str]) -> Iterator[str]:
    """Yield ways to add ``values``, the most readable first: the first correct one is used."""
    yield _appended(text, values, prefix)
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    rest = {key: value for key, value in values.items() if key not in tables}
    yield _appended(_inserted(text, rest, prefix), tables, prefix)
    yield _inserted(text, values, prefix)


def _appended(text: str, values: Values, prefix: Sequence[str]) -> str:
    """Return a block at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    block = render(values, prefix).replace("\n", newline) if values else ""
    if not text.strip() or not block:
        return text + block
    return text + newline * (1 if text.endswith("\n") else 2) + block


def _inserted(text: str, values: Values, prefix: Sequence[str]) -> str:
    """Return ``text`` with the values added inside; an empty string if its tables do not allow additions."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        _update(document, _below(prefix, values))
        edited = tomlkit.dumps(document)
    except (TOMLKitError, AttributeError, TypeError, ValueError):
        return ""
    # tomlkit ends its own lines in one way, whatever the file does.
    return edited.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else edited


def _update(table: Any, values: Values) -> None:  # noqa: ANN401 - each of tomlkit's tables has a type of its own
    for key, value in values.items():
        if isinstance(value, Mapping) and key in table:
            _update(table[key], value)
        else:
            table.update(_tables({key: value}))


def _tables(values: Values) -> dict[str, Any]:
    """Return ``values`` as tomlkit's tables, without headers for those that only hold tables."""
    import tomlkit

    made: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            made[key] = tomlkit.table(is_super_table=all(isinstance(each, Mapping) for each in value.values()))
            made[key].update(_tables(value))
        else:
            made[key] = tomlkit.item(value)
    return made


def _keeps_lines(before: str, after: str) -> bool:
    """Return True if ``after`` contains every line of ``before`` unchanged, in the same order."""
    rest = iter(_lines(after))
    return all(line in rest for line in _lines(before))


def _lines(text: str) -> list[str]:
    """Return lines with their endings; the last one gets one where it has none, so that something can come after it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    return (text if text.endswith("\n") or not text else text + newline).splitlines(keepends=True)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomli.loads(text)
    except ValueError:
        return None


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(one)
    for key, value in other.items():
        here = merged.get(key)
        merged[key] = _merged(here, value) if isinstance(here, Mapping) and isinstance(value, Mapping) else value
    return merged
