"""``init`` sets a repository up by what is there, shows it first, and changes nothing the second time."""

from __future__ import annotations

import os
import pty
import re
from pathlib import Path

import pytest

from ralph_hooks.providers.defaults import defaults
from tests.support.hook_managers import Manager, missing
from tests.support.initialised import KEY, PYTEST, init, table
from tests.support.matrix import MORE
from tests.support.project import Project
from tests.support.server import Reply

pytestmark = pytest.mark.usefixtures("alone")

BY_HAND = "For you to do:\n"


def project_without(project: Project) -> Project:
    """The project without its configuration."""
    (project.repo.path / "pyproject.toml").unlink(missing_ok=True)
    return project


def test_from_nothing_to_a_judged_commit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key for one provider, which is a server on this machine here. Each model is tried before it is written."""
    project.repo.commit(PYTEST)
    server = project.models(Reply.json_text({"findings": []}))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    user = f'[providers.openai]\nbase-url = "{server.url}"\napi-key-env = "OPENAI_API_KEY"\ncatalogue = "openai"\n'
    project.write_user((project.home / "config.toml").read_text(encoding="utf-8") + user)
    said = init(project, "--yes", offline=False)
    pair = defaults().models["openai"]
    assert [request.body["model"] for request in server.requests] == [pair.cheap, pair.expensive]
    assert re.search(rf"Tried:\n  openai/{pair.cheap}: answered in \S+ s for \S+; it missed the planted bug", said)
    assert project.ledger().cost_usd > 0
    server.requests.clear()
    written = table(project)
    (command,) = written.pop("verify")["commands"]
    assert command.endswith("-m pytest -q --junit-xml={junit}")
    assert written == {"cheap": f"openai/{pair.cheap}", "expensive": f"openai/{pair.expensive}"}
    assert "Approved." in said
    assert KEY not in said
    project.repo.stage({"a.py": "def f() -> int:\n    return 1\n"})
    done = project.repo.try_git("commit", "-m", "x", env=os.environ)
    assert done.returncode == 0, done.stderr
    assert [request.body["model"] for request in server.requests] == [pair.cheap]


def test_the_linters_of_the_project_are_proposed_where_a_model_reads_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.repo.commit({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"})
    assert "linters        project-ruff (pyproject.toml)" in init(project, "--dry-run")
    assert "[[tool.ralph-hooks.linters]]" not in init(project, "--dry-run")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert "[[tool.ralph-hooks.linters]]" not in init(project, "--dry-run", "--no-linters")
    init(project, "--yes")
    [written] = table(project)["linters"]
    assert (written["name"], written["block-at"]) == ("project-ruff", "hint")
    assert "nothing to set up: everything is already in place." in init(project, "--yes")


def test_twice_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.commit(PYTEST)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    init(project, "--yes")
    before = project.repo.state()
    assert "nothing to set up: everything is already in place." in init(project, "--yes")
    assert project.repo.state() == before


def test_a_dry_run_does_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.commit(PYTEST | {".pre-commit-config.yaml": "repos: []\n"})
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    before = project.repo.state()
    said = init(project, "--dry-run")
    assert "[tool.ralph-hooks]" in said
    assert "id: ralph-gate" in said
    assert project.repo.state() == before


def test_nobody_to_ask_is_an_error_that_says_what_to_do(project: Project) -> None:
    before = project.repo.state()
    said = init(project, code=2)
    assert "run `ralph-hooks init --yes` to apply the plan without asking" in said
    assert project.repo.state() == before


def test_a_terminal_is_asked_before_anything_is_written_and_before_anything_is_approved(project: Project) -> None:
    project.repo.commit(PYTEST)
    before = project.repo.state()
    code, said = at_a_terminal(project, "n\n")
    assert (code, "Do this? [Y/n]" in said, "Nothing was changed." in said) == (0, True, True)
    assert project.repo.state() == before
    code, said = at_a_terminal(project, "y\nn\n")
    assert (code, "Approve? [y/N]" in said, "Not approved" in said) == (0, True, True)
    assert "verify" in table(project)
    assert project.run("gate").code == 4


def at_a_terminal(project: Project, answers: str) -> tuple[int, str]:
    """Run it with a pseudo-terminal as its standard input."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answers.encode())
        done = project.program("init", env={"PATH": os.environ["PATH"]}, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    return done.code, done.out + done.err


class TestTrust:
    def test_what_others_asked_for_is_not_approved_by_the_way(self, project: Project) -> None:
        """A clone with commands of its own, and somebody who says yes to setting it up."""
        project.configure('[tool.ralph-hooks]\nverify.commands = ["curl evil.example"]\n')
        said = init(project, "--yes")
        assert "Not approved: ralph-hooks reviews nothing until you approve" in said
        assert project.run("gate").code == 4

    def test_what_init_has_written_is(self, project: Project) -> None:
        project.repo.commit(PYTEST)
        assert "Approved." in init(project, "--yes")
        assert "Approved already." in project.run("trust").out


class TestHooks:
    def test_native_ones(self, project: Project) -> None:
        init(project, "--yes")
        hooks = project.repo.path / ".git" / "hooks"
        assert (hooks / "pre-commit").exists()
        assert (hooks / "pre-push").exists()

    def test_none(self, project: Project) -> None:
        assert "nothing to set up" in init(project, "--yes", "--hooks", "none")
        assert not (project.repo.path / ".git" / "hooks" / "pre-commit").exists()

    @pytest.mark.parametrize("name", ["pre-commit", pytest.param("prek", marks=MORE)])
    def test_a_framework_gets_an_entry_and_runs_it(self, project: Project, name: str) -> None:
        manager = Manager(name, project.repo)
        manager.install("pre-commit")
        file = project.repo.path / ".pre-commit-config.yaml"
        text = file.read_text(encoding="utf-8")
        init(project, "--yes")
        assert file.read_text(encoding="utf-8").startswith(text)
        assert "nothing to set up" in init(project, "--yes")
        project.repo.stage({"a.py": "def f(:\n"})
        done = project.repo.try_git("commit", "-m", "x", env={**os.environ, "CALLS": os.devnull})
        assert done.returncode == 1
        assert b"a.py:1" in done.stdout + done.stderr
        assert b"native" in (project.repo.path / ".git" / "hooks" / "pre-push").read_bytes()  # it judges all refs

    def test_a_framework_whose_hook_is_missing_is_installed(self, project: Project) -> None:
        project.repo.commit({".pre-commit-config.yaml": "repos: []\n"})
        assert "pre-commit install --hook-type pre-commit: done" in init(project, "--yes")
        hook = project.repo.path / ".git" / "hooks" / "pre-commit"
        assert b"File generated by pre-commit" in hook.read_bytes()

    @pytest.mark.skipif(bool(missing("lefthook")), reason=missing("lefthook"))
    def test_lefthook_gets_its_jobs(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = Manager("lefthook", project.repo)
        project.repo.write({"lefthook.yml": "# ours\ncommit-msg:\n  jobs:\n    - run: 'true'\n"})
        monkeypatch.setenv("PATH", manager.repo.env["PATH"])
        init(project, "--yes")
        text = (project.repo.path / "lefthook.yml").read_text(encoding="utf-8")
        assert text.startswith("# ours\n")
        assert (text.count("run: ralph-hooks gate"), text.count("run: ralph-hooks pre-push {1} {2}")) == (1, 1)
        project.repo.stage({"a.py": "def f(:\n"})
        done = project.repo.try_git("commit", "-m", "x", env=os.environ)
        assert done.returncode == 1
        assert b"a.py:1" in done.stdout + done.stderr
        assert "nothing to set up" in init(project, "--yes")

    @pytest.mark.skipif(bool(missing("husky")), reason=missing("husky"))
    def test_husky_gets_its_lines(self, project: Project) -> None:
        Manager("husky", project.repo).install("pre-commit")
        path = project.repo.path / ".husky" / "pre-commit"
        before = path.read_text(encoding="utf-8")
        init(project, "--yes")
        assert path.read_text(encoding="utf-8") == f"{before}ralph-hooks gate\n"
        assert (project.repo.path / ".husky" / "pre-push").read_text(encoding="utf-8") == 'ralph-hooks pre-push "$@"\n'
        assert "nothing to set up" in init(project, "--yes")

    def test_what_cannot_be_added_is_left_to_the_user_with_the_lines(self, project: Project) -> None:
        project.repo.commit({".pre-commit-config.yaml": "repos: [{repo: local, hooks: []}]\n"})
        said = init(project, "--yes")
        assert BY_HAND in said
        assert ".pre-commit-config.yaml must be edited by hand" in said
        assert "entry: ralph-hooks gate" in said

    def test_a_folder_of_all_repositories_is_not_written(self, project: Project) -> None:
        project.repo.git("config", "--global", "core.hooksPath", "~/hooks")
        said = init(project, "--yes")
        assert BY_HAND in said
        assert "is not used by this repository alone" in said
        assert not (project.repo.home / "hooks").exists()
        assert "`git commit` is NOT reviewed yet: pre-commit: no commit is reviewed" in said
        assert "from now on" not in said
        assert "nothing to set up" not in said

    def test_hooks_that_are_turned_off_are_told(self, project: Project) -> None:
        project.repo.git("config", "core.hooksPath", "/dev/null")
        said = init(project, "--yes")
        assert "`git commit` is NOT reviewed yet: hooks are turned off" in said
        assert "nothing to set up" not in said

    def test_a_framework_that_is_not_there_judges_nothing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its hook is in place, and the Python that it was installed with is gone, as on another machine."""
        project.repo.commit({".pre-commit-config.yaml": "repos: []\n"})
        init(project, "--yes")
        hook = project.repo.path / ".git/hooks/pre-commit"
        hook.write_text(re.sub(r"(?m)^INSTALL_PYTHON=.*", "INSTALL_PYTHON=/gone/python", hook.read_text()))
        folders = os.environ["PATH"].split(os.pathsep)
        kept = [folder for folder in folders if not (Path(folder) / "pre-commit").exists()]
        monkeypatch.setenv("PATH", os.pathsep.join(kept))
        said = init(project, "--yes")
        assert "`git commit` is NOT reviewed yet: pre-commit: pre-commit runs ralph-hooks" in said
        assert "but pre-commit cannot be started\n  -> install it: `uv tool install pre-commit`" in said

    def test_it_ends_with_what_to_commit(self, project: Project) -> None:
        project.repo.commit({"test_a.py": "def test_a(): pass\n", ".pre-commit-config.yaml": "repos: []\n"})
        said = init(project, "--yes")
        assert "ralph-hooks reviews every `git commit` from now on" in said
        assert "pre-commit: pre-commit runs ralph-hooks (.pre-commit-config.yaml)" in said
        assert said.endswith(
            "  git add .ralph-hooks.toml .pre-commit-config.yaml\n  git commit -m 'Review changes with ralph-hooks'\n"
        )


def test_review_rules_that_are_there_are_proposed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    project.repo.commit({"AGENTS.md": "# Agents\n\n## Code review\n\nBe strict.\n"})
    init(project, "--yes")
    assert table(project)["review"] == {"guidelines": ["AGENTS.md#Code review"]}
