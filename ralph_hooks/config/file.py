"""One configuration file: reads it, decodes it, and reports mistakes by their place in the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomli

from ralph_hooks.config.tables import FileTable
from ralph_hooks.errors import ConfigError

TABLE = ("tool", "ralph-hooks")
"""Location of the configuration in pyproject.toml."""
_MOST = 16_000_000  # bytes
_MOST_STEPS = 200  # on the way of links, which may lead in a circle
_AS_IT_IS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # nor waiting for a pipe's writer
_MISSPELT = ("ralph_hooks", "ralphhooks", "ralph-hook")


class File:
    """A file that has a configuration. ``prefix`` is its location in the file."""

    def __init__(self, path: Path, prefix: tuple[str, ...], raw: Mapping[str, Any], table: FileTable) -> None:
        self.path = path
        self.prefix = prefix
        self.raw = raw
        """The table as TOML has it: only what was written."""
        self.table = table
        self.mistakes: list[tuple[tuple[str | int, ...], str, str]] = []

    def blame(self, key: tuple[str | int, ...], problem: str, hint: str = "") -> None:
        """Record a mistake at ``key``, to be raised with all others once the whole file has been checked."""
        self.mistakes.append((key, problem, hint))


def read(path: Path, prefix: tuple[str, ...] = (), *, own: bool = False) -> File | None:
    """Return the configuration at ``prefix`` in ``path``; None if there is none. Raises ConfigError with all mistakes.

    ``own`` is for the user's file.
    """
    raw = _table(path, prefix, own=own)
    if raw is None:
        return None
    try:
        return File(path, prefix, raw, msgspec.convert(raw, FileTable))
    except msgspec.ValidationError as error:
        from ralph_hooks.config.mistakes import Mistake, failure, find

        found = list(find(raw, msgspec.inspect.type_info(FileTable), prefix))
        # `find` covers all mistakes that the decoder reports; for any new one, use msgspec's own message.
        raise failure([(path, one) for one in found or [Mistake(prefix, str(error))]]) from error


def raise_mistakes(files: Sequence[File]) -> None:
    """Raise one ConfigError for everything that was noted in ``files``, or nothing."""
    if any(file.mistakes for file in files):
        from ralph_hooks.config.mistakes import Mistake, failure

        raise failure(
            [
                (file.path, Mistake((*file.prefix, *key), problem, hint))
                for file in files
                for key, problem, hint in file.mistakes
            ]
        )


def _table(path: Path, prefix: tuple[str, ...], *, own: bool) -> dict[str, Any] | None:
    table = _parse(path, own=own)
    for depth, name in enumerate(prefix, start=1):
        if table is None:
            return None
        if name == TABLE[-1]:
            _check_spelling(path, table)
        table = table.get(name)
        if table is not None and not isinstance(table, dict):
            from ralph_hooks.config.mistakes import failure, wrong_type

            raise failure([(path, wrong_type(table, prefix[:depth]))])
    return table


def _check_spelling(path: Path, tool: Mapping[str, Any]) -> None:
    """Report a misspelt table, which would otherwise be ignored in silence, as tables of other tools are."""
    for wrong in _MISSPELT:
        if wrong in tool:
            raise ConfigError(f"{path}: {TABLE[0]}.{wrong}: unknown table", f"write [{'.'.join(TABLE)}]")


def _parse(path: Path, *, own: bool) -> dict[str, Any] | None:
    """Return the parsed TOML; None if there is no such file."""
    content = read_content(path, own=own)
    if content is None:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: expected UTF-8, got an invalid byte at offset {error.start}", "save the file as UTF-8"
        ) from error
    if text.startswith("\ufeff"):
        raise ConfigError(
            f"{path}: begins with a byte order mark, which TOML does not allow", "save it without (UTF-8)"
        )
    try:
        return tomli.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error: numbers of many digits, lists nested deeply
        raise ConfigError(f"{path}: not valid TOML: {error}", "correct this line") from error


def read_content(path: Path, *, own: bool = False) -> bytes | None:
    """Return the content of ``path``; None if there is no file.

    Raises ConfigError for a file that cannot be read or has no end: a symbolic link may lead to a device or a pipe. The
    user's ``own`` file decides where keys are sent, without a request for consent. It is therefore refused if everybody
    can write it, or if it belongs to another user.
    """
    try:
        with os.fdopen(os.open(path, _AS_IT_IS), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{path}: cannot be read: it is not a regular file", "make it a readable file")
            if own and os.name == "posix":
                _check_owner(path, found)
            content = file.read(_MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", "make it a readable file") from error
    if len(content) > _MOST:
        raise ConfigError(f"{path}: is larger than {_MOST // 1_000_000} MB", "remove what is not configuration")
    return content


def way(top: Path, name: str) -> Iterator[str]:
    """Yield each path below ``top`` that decides what ``top/name`` leads to: links, links on their way, the end."""
    top = Path(os.path.realpath(top))
    if not (top / name).is_symlink():  # nearly always
        return
    place, parts = top, name.split("/")
    for _ in range(_MOST_STEPS):
        if not parts:
            break
        part = parts.pop(0)
        place = place.parent if part == ".." else place / part
        if place.is_symlink() or not parts:
            yield from [place.relative_to(top).as_posix()] if place.is_relative_to(top) else []
        if place.is_symlink():
            target = os.readlink(place)  # noqa: PTH115 - as it was written
            place = Path(place.anchor) if target.startswith("/") else place.parent
            parts = [each for each in target.split("/") if each not in {"", "."}] + parts


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"{path}: every user can write to it, but it decides where your keys are sent", f"chmod go-w {path}"
        )
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(
            f"{path}: it belongs to another user, but it decides where your keys are sent",
            "replace it with a file of your own",
        )
