"""The files with our own settings: which of them a change sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ralph_hooks.core.change import SYMLINK_MODE, Content, Entry

CONFIGURATION = "pyproject.toml"
"""The file that has our own table; the rest of it is the project's and may be repaired."""
OWN_FILE = ".ralph-hooks.toml"
"""The file that has nothing but our own keys, without a prefix, for projects without a pyproject.toml."""
_TABLE = ("tool", "ralph-hooks")
CONFIGURATIONS = {CONFIGURATION: _TABLE, OWN_FILE: ()}
"""Location of the settings in each configuration file."""
_DEPTH = 2  # names: gate.exclude


Places = Mapping[str, tuple[str, ...]]
"""Configuration files by path, each with the location of the settings in it."""


def holding(entries: Iterable[Entry], places: Places = CONFIGURATIONS) -> list[Entry]:
    """Return those of ``entries`` that are about one of the files, also under the name it had or gets."""
    return [entry for entry in entries if not places.keys().isdisjoint((entry.path, entry.old_path))]


def settings_changed(entry: Entry, content: Content, places: Places = CONFIGURATIONS) -> tuple[str, ...]:
    """Return the settings that ``entry``, one of `holding`, gives another value: ``gate.exclude``, ``routes``.

    They are compared by value, so that the file may be reformatted. One that cannot be read is only the same as itself.
    """
    before = content.old if entry.old_path in places else None
    after = content.new if entry.path in places else None
    if before == after and entry.old_path == entry.path:
        return ()
    if SYMLINK_MODE in {entry.old_mode, entry.new_mode}:  # its target is another file now
        return (".".join(_TABLE),)
    try:
        old, new = _own_table(before, places.get(entry.old_path, ())), _own_table(after, places.get(entry.path, ()))
        return tuple(_differing(old, new))
    except ValueError:
        return (".".join(_TABLE),)


def _differing(before: object, after: object, *names: str) -> Iterator[str]:
    """Yield where two tables differ, two names deep."""
    if before == after:
        return
    there = [each for each in (before, after) if each]
    tables = [each for each in there if isinstance(each, dict)]
    if len(names) == _DEPTH or not there or len(tables) < len(there):
        yield ".".join(names or _TABLE)
        return
    for key in sorted({key for table in tables for key in table}):
        old, new = (each.get(key) if isinstance(each, dict) else None for each in (before, after))
        yield from _differing(old, new, *names, key)


def _own_table(content: bytes | None, place: tuple[str, ...]) -> object:
    import tomli

    table: object = tomli.loads((content or b"").decode("utf-8"))
    for name in place:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    return table
