"""A project's own ruff configuration: the parts that the gate uses.

It is read from the base, so that a change cannot switch its own findings off. Taken over are ``builtins``, ``ignore``,
``per-file-ignores``, ``exclude``, ``target-version`` and their ``extend-`` forms; which rules block stays the gate's
own narrow set. As in ruff, the nearest of ``.ruff.toml``, ``ruff.toml`` and a ``pyproject.toml`` with ``[tool.ruff]``
counts (https://docs.astral.sh/ruff/configuration/), with what it extends.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import msgspec
from msgspec import Struct

from ralph_hooks.core.glob import first_match

_NAMES = (".ruff.toml", "ruff.toml", "pyproject.toml")
_TARGET = re.compile(r"py3\d{1,2}")
_REQUIRES = re.compile(r">=\s*3\.(\d{1,2})")
_UNDEFINED = re.compile(r"Undefined name `(.+)`")
_EXTENDS = 5  # files that extend one another
_ALL = "ALL"


class Rules(Struct, frozen=True):
    """The settings of one configuration file, with everything that it extends."""

    folder: str = ""
    """The folder of the file, to which its patterns are relative."""
    builtins: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Pattern, and the codes that are ignored where it matches."""
    target: str = ""
    """``py310``; empty if it does not say."""

    def leaves_out(self, path: str) -> bool:
        """Return True if ruff would not look at ``path``."""
        return first_match(self._relative(path), self.exclude) is not None

    def silences(self, path: str, code: str, message: str) -> bool:
        """Return True if ruff would not report ``code`` in ``path``."""
        if _covers(self.ignore, code) or any(
            _covers(codes, code) for pattern, codes in self.per_file if self._matches(pattern, path)
        ):
            return True
        name = _UNDEFINED.match(message)
        return name is not None and name[1] in self.builtins

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self.folder}/") if self.folder else path

    def _matches(self, pattern: str, path: str) -> bool:
        negated = pattern.startswith("!")
        return (first_match(self._relative(path), [pattern.removeprefix("!")]) is not None) is not negated


def _covers(codes: Iterable[str], code: str) -> bool:
    return any(each == _ALL or code.startswith(each) for each in codes if each)


class ProjectRules:
    """The configurations that concern the files of a change. Nothing is read before a Python file is judged."""

    def __init__(self, read: Callable[[Iterable[str]], Mapping[str, bytes]], paths: Iterable[str]) -> None:
        """``read`` gives files of the base by path; ``paths`` are those of the change."""
        self._read = read
        self._paths = tuple(paths)

    def of(self, path: str) -> Rules:
        """Return the configuration for ``path``: the nearest, or none."""
        return next((self._found[folder] for folder in _folders(path) if folder in self._found), Rules())

    @property
    def digest(self) -> str:
        """Names all that is said, for cached results; empty if nothing is."""
        said = [msgspec.json.encode(rules) for _, rules in sorted(self._found.items())]
        return hashlib.sha256(b"\0".join(said)).hexdigest()[:16] if said else ""

    @cached_property
    def _found(self) -> dict[str, Rules]:
        folders = dict.fromkeys(folder for path in self._paths for folder in _folders(path))
        files = dict(self._read(posixpath.join(folder, name) for folder in folders for name in _NAMES))
        found: dict[str, Rules] = {}
        for folder in folders:
            for name in _NAMES:
                path = posixpath.join(folder, name)
                table = _table(path, files.get(path))
                if table is not None:
                    found[folder] = self._rules(folder, path, table, files)
                    break
        return found

    def _rules(self, folder: str, path: str, table: Mapping[str, object], files: dict[str, bytes]) -> Rules:
        tables = [table]
        here = path
        for _ in range(_EXTENDS):
            extended = tables[-1].get("extend")
            if not isinstance(extended, str):
                break
            here = posixpath.normpath(posixpath.join(posixpath.dirname(here), extended))
            if here not in files:
                files.update(self._read([here]))
            base = _table(here, files.get(here))
            if base is None:
                break
            tables.append(base)
        return _merged(folder, tables, _requires(files.get(path)))


def _folders(path: str) -> list[str]:
    """Return the folders around ``path``, the innermost first; the top of the repository is the empty one."""
    folders = [posixpath.dirname(path)]
    while folders[-1]:
        folders.append(posixpath.dirname(folders[-1]))
    return folders


def _load(data: bytes | None) -> Mapping[str, object]:
    import tomli

    try:
        return tomli.loads((data or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}  # ruff itself would say so


def _table(path: str, data: bytes | None) -> Mapping[str, object] | None:
    if data is None:
        return None
    table = _load(data)
    if posixpath.basename(path) != "pyproject.toml":
        return table
    tool = table.get("tool")
    ruff = tool.get("ruff") if isinstance(tool, dict) else None
    return ruff if isinstance(ruff, dict) else None


def _requires(data: bytes | None) -> str:
    """Return the oldest Python that ``requires-python`` of a pyproject.toml allows, as a target version."""
    project = _load(data).get("project")
    wanted = project.get("requires-python") if isinstance(project, dict) else None
    found = _REQUIRES.search(wanted) if isinstance(wanted, str) else None
    return f"py3{int(found[1])}" if found else ""


def _merged(folder: str, tables: list[Mapping[str, object]], requires: str) -> Rules:
    """``tables`` from the nearest to the one that is extended last: the nearest replaces, the ``extend-`` forms add."""
    both = [(table, lint if isinstance(lint := table.get("lint"), dict) else {}) for table in tables]

    def first(name: str) -> object:
        return next((place[name] for pair in both for place in pair if name in place), None)

    def every(name: str) -> tuple[str, ...]:
        return tuple(text for pair in both for place in pair for text in _texts(place.get(name)))

    replaced = first("per-file-ignores")
    added = [place.get("extend-per-file-ignores") for pair in both for place in pair]
    per_file = tuple((p, c) for table in (replaced, *added) for p, c in _ignores(table))
    target = first("target-version")
    return Rules(
        folder=folder,
        builtins=_texts(first("builtins")),
        ignore=(*_texts(first("ignore")), *every("extend-ignore")),
        exclude=(*_texts(first("exclude")), *every("extend-exclude")),
        per_file=per_file,
        target=target if isinstance(target, str) and _TARGET.fullmatch(target) else requires,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _ignores(table: object) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(pattern), _texts(codes)) for pattern, codes in table.items()] if isinstance(table, dict) else []
