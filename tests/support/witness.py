"""Runs a program in a repository and writes down which files of it, .git included, are not what they were before.

As a program: ``python witness.py LOG PROGRAM ARGS...`` runs PROGRAM and ends as it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path


def fingerprint(folders: list[str]) -> dict[str, str]:
    """Return a digest of content and mode of every file below ``folders``."""
    found: dict[str, str] = {}
    for folder in folders:
        for here, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(here, name)  # noqa: PTH118 - faster than Path, and this runs twice for every hook
                data = os.readlink(path).encode() if os.path.islink(path) else Path(path).read_bytes()  # noqa: PTH115, PTH114 - as above
                found[path] = f"{os.lstat(path).st_mode:o} {hashlib.sha256(data).hexdigest()}"
    return found


def main(log: str, *args: str) -> int:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    where = ["git", "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"]
    folders = subprocess.run(where, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    before = fingerprint(folders)
    code = subprocess.run(args, check=False).returncode
    after = fingerprint(folders)
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    with Path(log).open("a", encoding="utf-8") as file:
        row = {"code": code, "changed": changed, "files": len(before), "index": os.environ.get("GIT_INDEX_FILE", "")}
        file.write(json.dumps(row) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
