"""Files of a base tree by path: project settings that the change under review cannot influence."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import Repository

MAX_BYTES = 1_000_000
"""The maximum size in bytes; larger files are not hand-written and are not read."""


def read_files(repository: Repository, tree: str, paths: Iterable[str]) -> dict[str, bytes]:
    """Return those of ``paths`` that are files in ``tree``, byte for byte, with a single git process."""
    wanted = [path for path in dict.fromkeys(paths) if "\n" not in path]
    if not wanted or not tree:
        return {}
    stdin = b"".join(os.fsencode(f"{tree}:{path}\n") for path in wanted)
    answer = git(["cat-file", "--batch"], cwd=repository.top, stdin=stdin, env=repository.environment)
    found: dict[str, bytes] = {}
    position = 0
    for path in wanted:
        end = answer.index(b"\n", position)
        head = answer[position:end]
        position = end + 1
        if head.endswith((b" missing", b" ambiguous")):
            continue
        _, kind, size = head.split(b" ")
        data = answer[position : position + int(size)]
        position += int(size) + 1
        if kind == b"blob" and len(data) <= MAX_BYTES:
            found[path] = data
    return found
