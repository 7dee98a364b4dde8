"""Reading and writing git objects."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ralph_hooks.errors import GitError
from ralph_hooks.git.run import Environment, git, spawn
from ralph_hooks.process import stream

DURABLE = ("-c", "core.fsync=all")
"""The setting that syncs objects to disk, not only to a cache (ignored by git before 2.36)."""
_PIECE = 256 * 1024  # bytes


def read_blobs(oids: Sequence[str], *, cwd: Path, env: Environment) -> dict[str, bytes]:
    """Return blobs by id, byte for byte. Raises GitError for a missing one."""
    return read_objects(oids, ("blob",), cwd=cwd, env=env)


def read_objects(
    oids: Sequence[str], kinds: Sequence[str] = ("commit", "tag"), *, cwd: Path, env: Environment
) -> dict[str, bytes]:
    """Return objects of these ``kinds`` by id, byte for byte. Raises GitError for a missing one."""
    asked = "".join(f"{oid}\n" for oid in oids)
    answer = git(["cat-file", "--batch"], cwd=cwd, stdin=asked.encode("ascii"), env=env)
    objects: dict[str, bytes] = {}
    position = 0
    for oid in oids:
        end = answer.index(b"\n", position)
        head = answer[position:end].split(b" ")  # id, type, size; or id, "missing"
        if head[1].decode("ascii") not in kinds:
            raise missing(oid)
        start = end + 1
        position = start + int(head[2]) + 1
        objects[oid] = answer[start : position - 1]
    return objects


def stream_blob(oid: str, *, cwd: Path, env: Environment) -> Iterator[bytes]:
    """Yield a blob in pieces, byte for byte, without holding it in memory. Raises GitError if it is missing."""
    process = spawn(["cat-file", "blob", oid], cwd=cwd, env=env)
    yield from stream(process, _PIECE)
    if process.returncode:
        raise missing(oid)


def store_blobs(contents: Sequence[bytes], folder: Path, *, cwd: Path, env: Environment) -> list[str]:
    """Store ``contents`` as git objects, through files in ``folder``, which is created; return their ids."""
    folder.mkdir()
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
    names = "".join(f"{folder / str(number)}\n" for number in range(len(contents)))
    args = [*DURABLE, "hash-object", "-w", "--no-filters", "--stdin-paths"]
    return git(args, cwd=cwd, stdin=os.fsencode(names), env=env).decode("ascii").split()


def missing(oid: str) -> GitError:
    """Return the error for a missing object."""
    return GitError(
        f"the object {oid[:12]} is not in this clone",
        "a partial clone may lack it: go online and run `git fetch --refetch`",
    )
