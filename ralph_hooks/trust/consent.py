"""Consent to a repository's configuration: its sensitive settings take effect only once the user has approved them.

A configuration in a repository is other people's code. Providers decide where the code under review and a key go;
commands are run. They are used once the user has approved their digest; one changed byte requires a new approval.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.route import PLACEHOLDER
from ralph_hooks.errors import RalphError

VARIABLE = "RALPH_HOOKS_TRUST"
"""The environment variable that holds the approved digest where no prompt is possible."""
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # nor waiting for a pipe's writer


class Permission(Struct, frozen=True):
    """One sensitive setting of a repository."""

    key: str
    """As in the configuration: ``providers.corp``, ``verify.commands``."""
    lines: tuple[str, ...]
    """Its value, for people: one provider field or one command a line."""
    allows: str
    """A description of the permission, for the user."""


def requested_permissions(sensitive: Sequence[tuple[str, str]]) -> tuple[Permission, ...]:
    """Return the permissions, described for users, that ``sensitive`` settings (a key, its value as JSON) ask for."""
    return tuple(_permission(key, msgspec.json.decode(value)) for key, value in sensitive)


def _permission(key: str, value: Any) -> Permission:  # noqa: ANN401 - a JSON value
    if isinstance(value, list):
        return Permission(key, tuple(map(_written, value)), "run these commands in a scratch copy of your code")
    if isinstance(value, bool):
        return Permission(key, (str(value).lower(),), "allow network access while model-written code is tested")
    lines = tuple(f"{name} = {msgspec.json.encode(field).decode()}" for name, field in value.items())
    name = value.get("api-key-env")
    if value.get("wire") == "agent":
        seen = [variable for variable in (name, *value.get("environment", ())) if variable]
        told = f", and let it see {', '.join(seen)}" if seen else ""
        return Permission(key, lines, f"{' and '.join(_programs(value))}{told}")
    named = [found for text in value.get("headers", {}).values() for found in PLACEHOLDER.findall(text)]
    keys = f" with the key in {name}" if name else ""
    more = f" and the values of {', '.join(dict.fromkeys(named))}" if named else ""
    return Permission(key, lines, f"send code under review to {value.get('base-url')}{keys}{more}")


def _written(command: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return a shell command line unchanged, anything else as JSON, so that no two commands look the same."""
    if isinstance(command, str) and not command.startswith(("[", "{", '"')):
        return command
    return msgspec.json.encode(command, order="deterministic").decode()


def _programs(agent: Mapping[str, Any]) -> Iterator[str]:
    """Yield the purposes for which an agent's two commands would be started."""
    if "command" in agent:
        yield f"run {' '.join(agent['command'])} in a scratch copy of your code"
    if "ask" in agent:
        yield f"run {' '.join(agent['ask'])} with code under review"


class _Approval(Struct, frozen=True, rename={"permissions": "wishes"}):
    """One approval as the state file keeps it; its key for the permissions is older than their name."""

    repository: str
    digest: str
    permissions: tuple[Permission, ...]


def digest(permissions: Sequence[Permission]) -> str:
    """Return 64 hexadecimal digits: SHA-256 of the keys and values as JSON, without their order and descriptions."""
    values = sorted((permission.key, permission.lines) for permission in permissions)
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()


class Consent:
    """Approvals of one user, a file for each repository so that two that are written at once both stay."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder / "trust"
        self._named = environ.get(VARIABLE, "").strip().lower()

    def approved(self, repository: str, permissions: Sequence[Permission]) -> bool:
        """Return whether all of ``permissions`` may be granted; nothing to grant is approved.

        ``repository`` is the absolute path of git's common folder, which linked worktrees share. Raises RalphError
        where the record cannot be relied on.
        """
        if not permissions:
            return True
        wanted = digest(permissions)
        if self._named == wanted:
            return True
        kept = self._read(repository)
        return kept is not None and kept.repository == _text(repository) and kept.digest == wanted

    def previous(self, repository: str) -> tuple[Permission, ...]:
        """Return the permissions approved last, to show the difference; empty for none. Raises as `approved`."""
        kept = self._read(repository)
        return kept.permissions if kept else ()

    def approve(self, repository: str, permissions: Sequence[Permission]) -> None:
        """Grant ``permissions`` and nothing else from now on. Raises RalphError if that cannot be saved."""
        approval = _Approval(_text(repository), digest(permissions), tuple(permissions))
        path = self._path(repository)
        try:
            self._folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
            _write(path, msgspec.json.format(msgspec.json.encode(approval)) + b"\n")
        except OSError as error:
            raise RalphError(
                f"cannot write the approval to {path}: {error.strerror}", "remove what is in the way"
            ) from error

    def _path(self, repository: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(repository)).hexdigest()[:32]}.json"

    def _read(self, repository: str) -> _Approval | None:
        path = self._path(repository)
        again = f"remove {path}, then `ralph-hooks trust`"
        try:
            descriptor = os.open(path, _READ)
            with os.fdopen(descriptor, "rb") as file:
                if not _is_ours(os.fstat(file.fileno())):
                    raise RalphError(f"other users can write to the record of approvals {path}", again)
                return from_json(file.read(), _Approval)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RalphError(f"the record of approvals {path} cannot be read: {error.strerror}", again) from error
        except msgspec.DecodeError as error:
            raise RalphError(f"the record of approvals {path} is damaged", again) from error


def _text(repository: str) -> str:
    """Return a path of any bytes as text for JSON."""
    return os.fsencode(repository).decode("utf-8", errors="backslashreplace")


def _is_ours(status: os.stat_result) -> bool:
    user = getattr(os, "geteuid", None)  # Windows has none: profiles are closed to others there
    if user is None:
        return True
    closed = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISREG(status.st_mode) and status.st_uid == user() and closed


def _write(path: Path, data: bytes) -> None:
    """Replace ``path`` as a whole, readable by its owner alone."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
