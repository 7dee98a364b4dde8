"""Real git repositories for tests, isolated from the configuration and identity of the user who runs them."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"), ("DATE", "2026-01-02T03:04:05Z"))
}


def isolated(home: Path) -> dict[str, str]:
    """Return an environment in which git knows an identity, a home folder and nothing else of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_", "PRE_COMMIT"))}
    return (
        kept | IDENTITY | {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    )


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Give this process the environment of `isolated`."""
    wanted = isolated(home)
    for name in set(os.environ) - set(wanted):
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)


class Repo:
    """A repository at ``path``. Files are text or bytes by name; None removes one."""

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path
        self.home = home
        self.env = isolated(home)

    @classmethod
    def create(cls, path: Path, *, object_format: str = "sha1", home: Path | None = None) -> Repo:
        """Return a new repository without commits, on branch ``main``."""
        shutil.copytree(_template(object_format), path / ".git")
        return cls(path, home or path.parent)

    def git(self, *args: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Return git's output without the last line break. Fails the test where git fails."""
        done = self.try_git(*args, stdin=stdin, env=env)
        assert done.returncode == 0, f"git {args}: {os.fsdecode(done.stderr + done.stdout)}"
        return os.fsdecode(done.stdout).removesuffix("\n")

    def try_git(
        self, *args: str | bytes, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git as `git` does; a failure is returned too."""
        return subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**self.env, **(env or {})},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def write(self, files: Mapping[str, str | bytes | None]) -> Repo:
        """Write ``files`` into the working tree."""
        for name, content in files.items():
            path = self.path / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def stage(self, files: Mapping[str, str | bytes | None] | None = None) -> Repo:
        """Write ``files`` and stage them; without, stage everything that differs."""
        self.write(files or {})
        names = list(files) if files is not None else ["."]
        self.git("--literal-pathspecs", "add", "--all", "--", *map(os.fsencode, names))
        return self

    def commit(self, files: Mapping[str, str | bytes | None] | None = None, *, message: str = "change") -> str:
        """Stage ``files`` and commit the index without hooks; the id of the commit."""
        if files is not None:
            self.stage(files)
        self.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tree(self, rev: str = "HEAD") -> str:
        """Return the id of the tree of ``rev``."""
        return self.git("rev-parse", f"{rev}^{{tree}}")

    def hook(self, name: str, script: str) -> Path:
        """Install ``script`` (Python, run by this interpreter) as hook ``name``; honours core.hooksPath."""
        folder = self.path / self.git("rev-parse", "--git-path", "hooks")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
        path.chmod(0o755)
        return path

    def state(self) -> dict[str, bytes]:
        """Return every file of the repository, .git included, byte for byte: what a hook has to leave as it is."""
        return {
            str(path.relative_to(self.path)): os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


@cache
def _template(object_format: str) -> Path:
    """Return the ``.git`` folder of a new repository: to copy it is faster than to have git make each."""
    folder = Path(tempfile.mkdtemp(prefix="ralph-hooks-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Repo(folder, folder)
    made.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")
    for name in ("gc.auto", "maintenance.auto"):  # nothing here is old enough to be worth a process after each commit
        made.git("config", name, "0")
    for sample in (folder / ".git" / "hooks").glob("*.sample"):
        sample.unlink()
    return folder / ".git"
