"""Labelled changes from a file, stored as objects of a temporary repository."""

from __future__ import annotations

import contextlib
import lzma
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.backtest import ChangeLabel, Example, Lines
from ralph_hooks.core.change import Change, Entry, Status
from ralph_hooks.core.codec import from_json
from ralph_hooks.errors import RalphError
from ralph_hooks.git.run import git
from ralph_hooks.git.sandbox.scratch import private_folder
from ralph_hooks.git.snapshot import GitSnapshot, Repository, open_repository

_MODE = "100644"


class Record(Struct, frozen=True):
    """One line of a file of examples: a JSON object; the file may be compressed with xz."""

    id: str
    path: str
    label: ChangeLabel
    before: str | None = None
    """The whole previous file; null if the change adds it."""
    after: str | None = None
    bug_lines_after: tuple[int, ...] = ()
    """Lines of ``after`` that are known to be wrong; by default the changed lines."""


def read_records(path: Path) -> tuple[Record, ...]:
    """Return the examples in ``path``. Raises RalphError with the number of an unreadable line."""
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            lines = file.read().split(b"\n")
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise RalphError(f"cannot read {path}: {error}", "give a file of examples, one JSON object per line") from error
    records = tuple(_record(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not records:
        raise RalphError(f"{path} contains no examples", "expected one JSON object per line")
    return records


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        record = from_json(line, Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RalphError(
            f"{path}, line {number}: {error}",
            'required keys: "id", "path", "label" ("buggy" or "clean"), "before", "after"',
        ) from error
    if record.before == record.after:
        raise RalphError(f"{path}, line {number}: before and after are the same", "remove this line")
    return record


@contextlib.contextmanager
def stored(records: Sequence[Record]) -> Iterator[tuple[Repository, tuple[Example, ...]]]:
    """Yield a temporary repository that holds both sides of ``records``, and their examples."""
    with private_folder() as folder:
        top = folder / "examples"
        top.mkdir()
        env: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("GIT_"))
        git(["init", "--quiet", "--template="], cwd=top, env=env)
        repository = open_repository(top)
        yield repository, tuple(_examples(repository, records, env))


def _examples(repository: Repository, records: Sequence[Record], env: dict[str, Any]) -> Iterator[Example]:
    texts = list(dict.fromkeys(text for r in records for text in (r.before, r.after) if text is not None))
    with tempfile.TemporaryDirectory(dir=repository.git_dir) as folder:
        paths = [Path(folder, str(number)) for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        names = "".join(f"{path}\n" for path in paths).encode()
        answer = git(["hash-object", "-w", "--no-filters", "--stdin-paths"], cwd=repository.top, stdin=names, env=env)
    oids = dict(zip(texts, answer.decode("ascii").split(), strict=True))
    entries = [_entry(record, oids) for record in records]
    sides = [(entry.path, oid) for entry in entries for oid in (entry.old_oid, entry.new_oid)]
    trees = iter(_trees(repository, sides, env))
    for record, entry in zip(records, entries, strict=True):
        change = Change(base=next(trees), tree=next(trees), entries=(entry,), title=record.id)
        yield Example(
            id=record.id,
            label=record.label,
            tree=change.tree,
            base=change.base,
            entries=change.entries,
            wrong={record.path: _wrong(record, GitSnapshot(repository, change))}
            if record.label is ChangeLabel.BUGGY
            else {},
        )


def _trees(repository: Repository, files: Sequence[tuple[str, str | None]], env: dict[str, Any]) -> Sequence[str]:
    """Return for each file, by path and blob, the id of a tree that holds it alone; the empty tree if it has no blob.

    Reproducers run on whole trees. One git process makes the folders of one depth.
    """
    held = [([part for part in path.split("/") if part], f"{_MODE} blob {oid}") for path, oid in files if oid]
    made = {index: entry for index, (_, entry) in enumerate(held)}
    for depth in range(max((len(parts) for parts, _ in held), default=0), 0, -1):
        deep = [index for index, (parts, _) in enumerate(held) if len(parts) >= depth]
        asked = "".join(f"{made[index]}\t{held[index][0][depth - 1]}\0\0" for index in deep)
        answer = git(["mktree", "-z", "--batch"], cwd=repository.top, stdin=os.fsencode(asked), env=env)
        made |= {index: f"040000 tree {oid}" for index, oid in zip(deep, answer.decode("ascii").split(), strict=True)}
    trees = iter(entry.rpartition(" ")[2] for entry in made.values())
    return [next(trees) if oid else repository.empty_tree for _, oid in files]


def _entry(record: Record, oids: dict[str, str]) -> Entry:
    old = None if record.before is None else oids[record.before]
    new = None if record.after is None else oids[record.after]
    return Entry(
        path=record.path,
        status=Status.ADDED if old is None else Status.DELETED if new is None else Status.MODIFIED,
        old_path=record.path,
        old_mode=_MODE if old else "0" * 6,
        new_mode=_MODE if new else "0" * 6,
        old_oid=old,
        new_oid=new,
    )


def _wrong(record: Record, snapshot: GitSnapshot) -> Lines:
    if record.bug_lines_after:
        return Lines(frozenset(record.bug_lines_after))
    hunks = snapshot.hunks(snapshot.change.entries)[record.path]
    changed = [line for hunk in hunks for line in hunk.lines]
    return Lines(
        frozenset(line.new for line in changed if line.kind == "+" and line.new),
        frozenset(line.old for line in changed if line.kind == "-" and line.old),
    )
