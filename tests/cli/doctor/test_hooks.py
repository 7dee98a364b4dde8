"""Hooks, as doctor sees them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ralph_hooks.git.hooks import script
from tests.support.diagnosis import ALIVE, checks, of
from tests.support.hook_managers import Manager
from tests.support.project import BIN, TWO_LINES, Project
from tests.support.stand_in import executable


class TestHooks:
    @pytest.fixture(autouse=True)
    def _models(self, project: Project) -> None:
        project.models(ALIVE)

    def hooks(self, project: Project) -> list[tuple[str, str]]:
        return of(checks(project, "--offline"), "hook")

    @staticmethod
    def script(project: Project) -> Path:
        return project.repo.path / ".git" / "hooks" / "pre-commit"

    def test_none(self, project: Project) -> None:
        assert [status for status, _ in self.hooks(project)] == ["fail", "fail"]

    def test_one_of_the_two_may_be_all_that_is_wanted(self, project: Project) -> None:
        project.run("install", "--hook", "pre-push")
        assert self.hooks(project) == [
            ("warn", "pre-commit: no commit is reviewed (.git/hooks/pre-commit)"),
            ("ok", "pre-push: native hook, runs first (.git/hooks/pre-push)"),
        ]

    def test_one_that_git_leaves_alone(self, project: Project) -> None:
        project.run("install")
        self.script(project).chmod(0o644)
        assert "is not executable, so git ignores it" in self.hooks(project)[0][1]

    def test_one_that_was_edited(self, project: Project) -> None:
        project.run("install")
        path = self.script(project)
        path.write_text(path.read_text(encoding="utf-8") + ":\n", encoding="utf-8")
        assert self.hooks(project)[0] == ("warn", "pre-commit: .git/hooks/pre-commit was edited by hand")

    def test_one_whose_interpreter_is_gone(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        python = tmp_path / "python"
        python.symlink_to(BIN / "python")
        monkeypatch.setattr("sys.executable", str(python))
        project.run("install")
        python.unlink()
        assert self.hooks(project)[0][0] == "warn"
        monkeypatch.setenv("PATH", re.sub(f"{BIN}{os.pathsep}?", "", os.environ["PATH"]))
        assert self.hooks(project)[0] == ("fail", f"pre-commit: {python}, which it runs, no longer exists")

    def test_one_of_another_policy(self, project: Project) -> None:
        project.run("install")
        project.configure(f'{TWO_LINES}gate.when-unavailable = "closed"\n')
        said = ("warn", "pre-commit: .git/hooks/pre-commit was installed with when-unavailable = open")
        assert self.hooks(project)[0] == said

    def test_one_of_an_older_version(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("ralph_hooks.git.hooks.script.VERSION", script.VERSION - 1)
            project.run("install")
        said = "pre-commit: .git/hooks/pre-commit was written by an older ralph-hooks"
        assert self.hooks(project)[0] == ("warn", said)
        project.run("install")
        assert self.hooks(project)[0][0] == "ok"

    def test_a_manager_that_keeps_gits_lines_back(self, project: Project) -> None:
        """Under lefthook a job has no standard input unless it asks for it: it sees no ref, and passes."""
        executable(self.script(project).with_name("pre-push"), "#!/bin/sh\ncall_lefthook run pre-push\n")
        job = "pre-push:\n  jobs:\n    - run: ralph-hooks pre-push {1} {2}\n"
        project.repo.write({"lefthook.yml": job + "      # use_stdin: true\n"})
        said = "pre-push: lefthook does not pass on git's list of pushed refs: no push is reviewed"
        assert self.hooks(project)[1] == ("fail", said)
        project.repo.write({"lefthook.yml": job + "      use_stdin: true\n"})
        assert self.hooks(project)[1] == ("ok", "pre-push: lefthook runs ralph-hooks (lefthook.yml)")

    def test_somebody_elses(self, project: Project) -> None:
        self.script(project).write_text("#!/bin/sh\n", encoding="utf-8")
        self.script(project).chmod(0o755)
        said = "pre-commit: a script is installed and does not run ralph-hooks (.git/hooks/pre-commit)"
        assert self.hooks(project)[0] == ("fail", said)

    def test_turned_off(self, project: Project) -> None:
        project.repo.git("config", "core.hooksPath", "/dev/null")
        ((status, message),) = self.hooks(project)
        assert status == "fail"
        assert "hooks are turned off" in message

    def test_pre_commit_with_and_without_its_hook(self, project: Project) -> None:
        manager = Manager("pre-commit", project.repo)
        manager.install("pre-commit")
        assert "pre-commit's script is installed and does not run ralph-hooks" in self.hooks(project)[0][1]
        path = project.repo.path / ".pre-commit-config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("log-pre-commit", "ralph-gate"), encoding="utf-8")
        assert self.hooks(project)[0] == ("ok", "pre-commit: pre-commit runs ralph-hooks (.pre-commit-config.yaml)")
        self.script(project).unlink()
        said = "pre-commit: .pre-commit-config.yaml runs ralph-hooks, but pre-commit's hook is not installed"
        assert self.hooks(project)[0][1] == said

    def test_a_legacy_hook_and_a_second_judge(self, project: Project) -> None:
        project.run("install", "--hook", "pre-commit")
        Manager("pre-commit", project.repo).install("pre-commit")
        said = "pre-commit: pre-commit runs the native hook as its legacy hook (.git/hooks/pre-commit)"
        assert self.hooks(project)[0] == ("ok", said)
        project.run("uninstall")
        project.run("install")
        path = project.repo.path / ".pre-commit-config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("log-pre-commit", "ralph-gate"), encoding="utf-8")
        assert "reviewed twice, by the native hook and through .pre-commit-config.yaml" in self.hooks(project)[0][1]
