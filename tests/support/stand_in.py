"""A fake ralph-hooks that a hook can run: it records its calls, and exits as configured."""

from __future__ import annotations

from pathlib import Path

from tests.support.repo import Repo

PROGRAM = """\
#!/bin/sh
case $* in *'-c import'*) exit 0 ;; esac # the question whether ralph-hooks is there
[ "$1 $2 $3" = "-P -m ralph_hooks" ] && shift 3
echo "ours $*" >>"$CALLS"
[ "$1" != pre-push ] || sed 's/^/ours read /' >>"$CALLS"
exit "${OURS-0}"
"""
THEIRS = """\
echo "theirs $0 $*" >>"$CALLS"
case $0 in *pre-push*) sed 's/^/theirs read /' >>"$CALLS" ;; esac
exit "${THEIRS-0}"
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


class StandIn:
    """The fake program of one repository. `hooks.install` takes ``python`` for the interpreter."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self._repo = repo
        self._log = folder / "calls"
        self.python = executable(folder / "stand-in" / "python", PROGRAM)
        self._count = 0
        repo.env["CALLS"] = str(self._log)

    def calls(self) -> list[str]:
        """Return the calls since the last time this was read."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines

    def commit(self, **env: str) -> tuple[int, str]:
        """Commit a change of one file with hooks: the exit code and what was printed."""
        self._count += 1
        self._repo.stage({"changing.txt": f"{self._count}\n"})
        done = self._repo.try_git("commit", "--quiet", "-m", "change", env=env)
        return done.returncode, (done.stdout + done.stderr).decode()

    def push(self, *refs: str, **env: str) -> tuple[int, str]:
        """Push to ``origin`` with hooks: the exit code and what was printed."""
        done = self._repo.try_git("push", "--quiet", "origin", *refs, env=env)
        return done.returncode, (done.stdout + done.stderr).decode()

    def remote(self) -> Path:
        """Make a bare repository that is ``origin``."""
        path = self._repo.path.with_name("remote.git")
        self._repo.git("init", "--quiet", "--bare", str(path))
        self._repo.git("remote", "add", "origin", str(path))
        return path
