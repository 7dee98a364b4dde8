"""Add our hook to an agent's settings, and remove it again byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.app.agent_hooks.conventions import Convention
from ralph_hooks.app.agent_hooks.json_text import NotEditable, insert, remove
from ralph_hooks.core.codec import from_json
from ralph_hooks.errors import RalphError
from ralph_hooks.git.snapshot import Repository

_CALL = "ralph-hooks agent-hook"
_RECORDS = "ralph-hooks-agents"
"""The name of the folder inside ``.git``, which is never tracked."""


class _Record(Struct, frozen=True):
    """The previous content of a settings file, valid while the file is as we wrote it."""

    after: str
    """The SHA-256 of the file as we wrote it."""
    before: str | None
    """The previous content; None if there was no file."""
    folders: tuple[str, ...] = ()
    """Folders that we created for the file."""


def install(repository: Repository, agent: Convention) -> str:
    """Add the hook and return a message. Raises RalphError if the file cannot be edited."""
    path = repository.top / agent.file
    before = _read(path)
    if before is not None and _CALL in before:
        return f"{agent.name}: already installed ({agent.file})"
    entry = agent.entry(agent.command)
    text = before if before is not None and before.strip() else json.dumps(agent.others or {}, indent=2) + "\n"
    try:
        after = insert(text, ("hooks", agent.event), entry)
    except NotEditable as error:
        raise RalphError(
            f"{agent.file} cannot be edited: {error}",
            f"add this to hooks.{agent.event} yourself: {json.dumps(entry)}",
        ) from error
    made = [
        str(f.relative_to(repository.top)) for f in path.parents if f.is_relative_to(repository.top) and not f.exists()
    ]
    _write(path, after)
    _keep(repository, agent, _Record(_digest(after), before, tuple(made)))
    return f"{agent.name}: installed ({agent.file}, event {agent.event})"


def uninstall(repository: Repository, agent: Convention) -> str:
    """Remove the hook and return a message. A file that was not edited since gets its previous content back."""
    path = repository.top / agent.file
    text = _read(path)
    record = _kept(repository, agent)
    if text is None or _CALL not in text:
        _forget(repository, agent)
        return f"{agent.name}: not installed ({agent.file})"
    if record is not None and record.after == _digest(text):
        if record.before is None:
            path.unlink()
            for folder in record.folders:
                with suppress(OSError):  # the folder has other content by now
                    (repository.top / folder).rmdir()
        else:
            _write(path, record.before)
        _forget(repository, agent)
        return f"{agent.name}: uninstalled; {agent.file} is restored"
    try:
        rest = remove(text, ("hooks", agent.event), lambda item: _CALL in json.dumps(item))
    except NotEditable as error:
        raise RalphError(
            f"{agent.file} cannot be edited: {error}", f"remove the hook that runs `{_CALL}` from that file yourself"
        ) from error
    if _CALL in rest:
        raise RalphError(
            f"{agent.file} runs `{_CALL}` in an entry that ralph-hooks did not write", "remove that entry yourself"
        )
    _write(path, rest)
    _forget(repository, agent)
    return f"{agent.name}: uninstalled; the rest of {agent.file} keeps your edits"


def state(repository: Repository, agent: Convention) -> str | None:
    """Return the problem with an installed hook, for display.

    Empty if there is no problem, None if no hook is installed.
    """
    text = _read(repository.top / agent.file)
    if text is None or _CALL not in text:
        return None
    try:
        settings = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return "is not plain JSON"
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    entries: Any = hooks.get(agent.event) if isinstance(hooks, Mapping) else None
    if not isinstance(entries, list) or not any(_CALL in json.dumps(entry) for entry in entries):
        return f"runs ralph-hooks at another event than {agent.event}"
    if isinstance(settings, dict) and settings.get("disableAllHooks") is True:
        return "has disableAllHooks = true"
    return ""


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RalphError(f"{path} cannot be read: {error}", "check its owner, permissions and encoding") from error


def _write(path: Path, text: str) -> None:
    """Replace the file atomically, keeping its mode."""
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.{os.getpid()}.ralph-tmp")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(text.encode("utf-8"))
        if real.exists():
            temporary.chmod(real.stat().st_mode & 0o7777)
        temporary.replace(real)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RalphError(f"{path} cannot be written: {error.strerror}", "check its owner and permissions") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _record_path(repository: Repository, agent: Convention) -> Path:
    return repository.git_dir / _RECORDS / f"{agent.name}.json"


def _keep(repository: Repository, agent: Convention, record: _Record) -> None:
    path = _record_path(repository, agent)
    with suppress(OSError):  # without a record, uninstall removes the entries that it finds
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.encode(record))


def _kept(repository: Repository, agent: Convention) -> _Record | None:
    try:
        return from_json(_record_path(repository, agent).read_bytes(), _Record)
    except (OSError, msgspec.DecodeError):
        return None


def _forget(repository: Repository, agent: Convention) -> None:
    path = _record_path(repository, agent)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()
