"""Other programs that manage hooks, the real ones: pre-commit and prek, lefthook, husky and git-lfs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.repo import Repo

FOLDERS = (
    Path(sys.executable).parent,
    Path(__file__).parents[2] / ".cache" / "hook-managers" / "node_modules" / ".bin",
)
"""pre-commit and prek come with the development dependencies, lefthook and husky with `make hook-managers`."""
PATH = os.pathsep.join([*map(str, FOLDERS), os.environ.get("PATH", os.defpath)])


def missing(name: str) -> str:
    """Return the reason ``name`` cannot be tried; empty if it is installed."""
    if shutil.which(name, path=PATH):
        return ""
    how = "apt install git-lfs" if name == "git-lfs" else "make hook-managers"
    return f"{name} is not installed ({how})"


class Manager:
    """A manager in a repository, configured to record its runs and git's pushes."""

    def __init__(self, name: str, repo: Repo) -> None:
        self.name = name
        self.repo = repo
        repo.env |= {"PATH": PATH, "PRE_COMMIT_HOME": str(repo.home / "pre-commit"), "CI": "1"}

    def install(self, *hooks: str) -> None:
        """Install its hooks, as its documentation says."""
        getattr(self, f"_{self.name.replace('-', '_')}")(hooks)

    def _pre_commit(self, hooks: tuple[str, ...]) -> None:
        self._framework_file(hooks)
        self.run("pre-commit", "install", *(f"--hook-type={hook}" for hook in hooks))

    def _prek(self, hooks: tuple[str, ...]) -> None:
        self._framework_file(hooks)
        self.run("prek", "install", *(f"--hook-type={hook}" for hook in hooks))

    def _framework_file(self, hooks: tuple[str, ...]) -> None:
        entries = "".join(
            f"""\
      - id: log-{hook}
        name: log
        entry: sh -c 'echo "theirs {hook}" >>"$CALLS"; exit "${{THEIRS-0}}"'
        language: system
        always_run: true
        pass_filenames: false
        stages: [{hook}]
"""
            for hook in hooks
        )
        self.repo.write({".pre-commit-config.yaml": f"repos:\n  - repo: local\n    hooks:\n{entries}"})

    def _lefthook(self, hooks: tuple[str, ...]) -> None:
        log = "log:\n      use_stdin: true\n      run: sh ./log.sh {}\n"
        self.repo.write(
            {
                "lefthook.yml": "".join(f"{hook}:\n  commands:\n    {log.format(hook)}" for hook in hooks),
                "log.sh": _LOG,
            }
        )
        self.run("lefthook", "install")

    def _husky(self, hooks: tuple[str, ...]) -> None:
        self.repo.write({"package.json": "{}\n"} | {f".husky/{hook}": f"set -- {hook}\n{_LOG}" for hook in hooks})
        self.run("husky")

    def run(self, *args: str) -> None:
        """Run one of the managers."""
        done = subprocess.run(args, cwd=self.repo.path, env=self.repo.env, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


_LOG = """\
echo "theirs $1" >>"$CALLS"
[ "$1" != pre-push ] || sed 's/^/theirs read /' >>"$CALLS"
exit "${THEIRS-0}"
"""
