"""A bare remote for a project, and pushes that end in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.support.project import Judged, Project, Ran
from tests.support.repo import Repo

_LINES = """
import sys
from pathlib import Path
Path({lines!r}).write_bytes(sys.stdin.buffer.read())
sys.exit(1)
"""


class Remote:
    """The bare repository that ``origin`` of ``project`` is. It begins with what the project has."""

    def __init__(self, project: Project, name: str = "origin") -> None:
        self.project = project
        self.name = name
        self.bare = Repo(project.repo.path.parent / f"{name}.git", project.repo.home)
        self.bare.path.mkdir()
        kind = project.repo.git("rev-parse", "--show-object-format")
        self.bare.git("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={kind}")
        project.repo.git("remote", "add", name, str(self.bare.path))
        self.accept("main")

    def accept(self, *refs: str) -> None:
        """Push past every hook."""
        self.project.repo.git("push", "--quiet", "--force", "--no-verify", self.name, *refs)

    def lines(self, *refs: str) -> bytes:
        """Return the input that git gives a pre-push hook for this push, which is then cancelled."""
        seen = self.project.repo.path.parent / "lines"
        hook = self.project.repo.hook("pre-push", _LINES.format(lines=str(seen)))
        done = self.project.repo.try_git("push", "--force", self.name, *refs)
        hook.unlink()
        assert done.returncode == 1, done.stderr
        return seen.read_bytes()

    def hook(self, *refs: str, args: tuple[str, ...] = ()) -> Ran:
        """Run ``ralph-hooks pre-push`` with the lines of this push, in this process."""
        return self.project.run("pre-push", self.name, str(self.bare.path), *args, stdin=self.lines(*refs))

    def push(self, *refs: str) -> Judged:
        """As `hook`, with the report. What the remote has stays as it is."""
        done = self.hook(*refs, args=("--format", "json"))
        assert done.out, f"no report; exit {done.code}: {done.err}"
        report = json.loads(done.out)
        assert report["exit_code"] == done.code
        return Judged(done.code, report, done.err)

    def commit_judged(self, files: Mapping[str, str | bytes | None], *args: str) -> None:
        """Judge ``files`` as the commit hook does, which has to pass, and commit them."""
        self.project.repo.stage(files)
        done = self.project.run("gate")
        assert done.code == 0, done.out + done.err
        self.project.repo.git("commit", "--quiet", "--no-verify", "-m", "judged", *args)
