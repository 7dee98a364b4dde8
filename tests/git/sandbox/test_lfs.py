"""Content that Git LFS has is in the scratch copy."""

from __future__ import annotations

import hashlib
import time

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.repo import Repo
from tests.support.verifying import listed


def test_commands_see_what_git_lfs_has_of_a_file_and_are_said_to_where_it_has_nothing(repo: Repo) -> None:
    def pointer(content: bytes) -> bytes:
        oid = hashlib.sha256(content).hexdigest()
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()

    name = hashlib.sha256(b"here").hexdigest()
    stored = repo.path / ".git/lfs/objects" / name[:2] / name[2:4] / name
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"here")
    repo.write({".gitattributes": "*.bin filter=lfs\n"}).git("add", ".gitattributes")
    repo.stage({"a.bin": pointer(b"here"), "b.bin": pointer(b"elsewhere"), "c.txt": pointer(b"here")})
    opened = open_repository(repo.path)
    change = staged(opened).change
    verifier = CommandVerifier(opened, change, timeout=60)
    command = "sh -c 'cat a.bin; wc -l <b.bin; wc -l <c.txt; git status --short; echo more >>a.bin'"
    (only,) = verifier.run(change.tree, change.base, listed(command), Deadline(60, time.monotonic))
    assert only.tail.split() == ["here3", "3"]
    assert [caveat for caveat in verifier.caveats() if "Git LFS pointers instead of 1 file:" in caveat]
    assert stored.read_bytes() == b"here"
