"""``install`` and ``uninstall`` as a user sees them, and beside the real programs that manage hooks."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from ralph_hooks.cli.main import run
from ralph_hooks.git.hooks.script import HOOKS
from tests.support import hook_managers
from tests.support.hook_managers import Manager
from tests.support.matrix import MORE
from tests.support.repo import Repo, isolate
from tests.support.stand_in import THEIRS, StandIn, executable

ZEROS = "0" * 40


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository with one commit, which is the current folder."""
    home = tmp_path / "home"
    home.mkdir()
    isolate(monkeypatch, home)
    monkeypatch.setenv("RALPH_HOOKS_HOME", str(home / "ralph"))
    made = Repo.create(tmp_path / "project", home=home)
    made.commit({"a.py": "ONE = 1\n"})
    monkeypatch.chdir(made.path)
    return made


@pytest.fixture
def stand_in(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn(repo, tmp_path)
    monkeypatch.setattr(sys, "executable", str(made.python))  # as if ralph-hooks was installed for it
    return made


class Screen:
    """What ralph-hooks says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def says(self, *args: str, code: int = 0) -> str:
        """Run ralph-hooks in this process: all that it printed."""
        self._capsys.readouterr()
        assert run(list(args)) == code
        return "".join(self._capsys.readouterr())


@pytest.fixture
def screen(capsys: pytest.CaptureFixture[str]) -> Screen:
    return Screen(capsys)


@pytest.mark.usefixtures("stand_in")
class TestWhatIsSaid:
    def test_in_an_ordinary_repository(self, repo: Repo, screen: Screen) -> None:
        executable(repo.path / ".git" / "hooks" / "pre-push", "#!/bin/sh\n")
        assert screen.says("install") == (
            "pre-commit: installed (.git/hooks/pre-commit)\n"
            "pre-push: installed (.git/hooks/pre-push); "
            "a script that was there is kept as pre-push.ralph-kept and runs after it\n"
        )
        assert screen.says("install") == (
            "pre-commit: already installed (.git/hooks/pre-commit)\npre-push: already installed (.git/hooks/pre-push)\n"
        )
        assert screen.says("uninstall") == (
            "pre-commit: uninstalled (.git/hooks/pre-commit)\n"
            "pre-push: uninstalled; the script that was there before is restored (.git/hooks/pre-push)\n"
        )
        assert screen.says("uninstall", "--hook", "pre-push") == "pre-push: not installed (.git/hooks/pre-push)\n"

    def test_a_configured_policy_is_written_into_the_script(self, repo: Repo, screen: Screen) -> None:
        screen.says("install")
        hooks = repo.path / ".git" / "hooks"
        assert b"\npolicy=open " in (hooks / "pre-commit").read_bytes()
        assert b"\npolicy=closed " in (hooks / "pre-push").read_bytes()
        settings = '[tool.ralph-hooks]\ngate.when-unavailable = "closed"\npush.when-unavailable = "open"\n'
        repo.write({"pyproject.toml": settings})
        assert "pre-commit: updated" in screen.says("install")
        assert b"\npolicy=closed " in (hooks / "pre-commit").read_bytes()
        assert b"\npolicy=open " in (hooks / "pre-push").read_bytes()

    def test_a_configuration_that_is_wrong_installs_nothing(self, repo: Repo, screen: Screen) -> None:
        repo.write({"pyproject.toml": '[tool.ralph-hooks]\ngate.when-unavailable = "ajar"\n'})
        assert "when-unavailable" in screen.says("install", code=2)
        assert not (repo.path / ".git" / "hooks" / "pre-commit").exists()

    def test_uninstalling_needs_no_valid_configuration(self, repo: Repo, screen: Screen) -> None:
        screen.says("install")
        repo.write({"pyproject.toml": "[tool.ralph-hooks\n"})
        assert "pre-commit: uninstalled" in screen.says("uninstall")

    def test_an_edited_hook_stays(self, repo: Repo, screen: Screen) -> None:
        screen.says("install")
        path = repo.path / ".git" / "hooks" / "pre-commit"
        path.write_text(path.read_text(encoding="utf-8") + "echo mine\n", encoding="utf-8")
        assert "was edited after ralph-hooks wrote it" in screen.says("uninstall", code=2)
        assert path.exists()


class TestHooksPath:
    def test_a_global_folder_is_written_only_when_asked(self, repo: Repo, screen: Screen, stand_in: StandIn) -> None:
        repo.git("config", "--global", "core.hooksPath", "~/hooks")
        said = screen.says("install", code=2)
        assert "it is outside this repository, so its hooks run in other repositories too (core.hooksPath = " in said
        assert "`ralph-hooks install --into shared`" in said
        assert not (repo.home / "hooks").exists()

        assert "pre-commit: installed" in screen.says("install", "--into", "shared")
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["ours gate"]
        screen.says("uninstall")
        assert list((repo.home / "hooks").iterdir()) == []

    def test_a_global_hook_that_calls_the_repositorys_own(self, repo: Repo, screen: Screen, stand_in: StandIn) -> None:
        repo.git("config", "--global", "core.hooksPath", "~/hooks")
        executable(repo.home / "hooks" / "pre-commit", '#!/bin/sh\nexec .git/hooks/pre-commit "$@"\n')
        screen.says("install", "--into", "repository")
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["ours gate"]
        screen.says("uninstall", "--into", "repository")
        assert not (repo.path / ".git" / "hooks" / "pre-commit").exists()

    def test_what_the_repository_tracks_gets_no_path_of_this_machine(
        self, repo: Repo, screen: Screen, stand_in: StandIn
    ) -> None:
        repo.commit({".githooks/pre-commit": "#!/bin/sh\n" + THEIRS})
        (repo.path / ".githooks" / "pre-commit").chmod(0o755)
        repo.git("config", "core.hooksPath", ".githooks")
        assert "the repository tracks it, so everybody with a clone" in screen.says("install", code=2)
        assert repo.git("status", "--porcelain", "--", ".githooks/pre-commit.ralph-kept") == ""

        assert "git takes hooks from .githooks: core.hooksPath = " in screen.says("install", "--into", "shared")
        script = (repo.path / ".githooks" / "pre-commit").read_bytes()
        assert os.fsencode(stand_in.python.parent) not in script
        on_path = executable(repo.home / "bin" / "ralph-hooks", stand_in.python.read_text(encoding="utf-8"))
        assert stand_in.commit(PATH=f"{on_path.parent}:{repo.env['PATH']}") == (0, "")
        assert stand_in.calls() == ["theirs .githooks/pre-commit ", "ours gate"]

    def test_hooks_that_are_turned_off(self, repo: Repo, screen: Screen) -> None:
        repo.git("config", "core.hooksPath", "/dev/null")
        said = screen.says("install", code=2)
        assert "hooks are turned off: core.hooksPath = /dev/null (local, .git/config) is not a folder" in said

    @pytest.mark.usefixtures("stand_in")
    def test_worktrees_share_the_hooks_and_are_told_so(
        self, repo: Repo, screen: Screen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repo.git("worktree", "add", "--quiet", "../linked")
        monkeypatch.chdir(repo.path.parent / "linked")
        assert "They run in every worktree of this repository." in screen.says("install")
        assert (repo.path / ".git" / "hooks" / "pre-commit").exists()


def manager(name: str, *marks: pytest.MarkDecorator) -> pytest.ParameterSet:
    why = hook_managers.missing(name)
    return pytest.param(name, marks=(*marks, pytest.mark.skipif(bool(why), reason=why)))


@pytest.mark.parametrize(
    "name", [manager("pre-commit"), manager("lefthook"), manager("prek", MORE), manager("husky", MORE)]
)
class TestBesideOtherManagers:
    def test_both_run_and_either_can_refuse(self, repo: Repo, screen: Screen, stand_in: StandIn, name: str) -> None:
        stand_in.remote()
        Manager(name, repo).install(*HOOKS)
        before = hooks_of(repo)
        said = screen.says("install")
        assert f"{name}'s script that was there is kept as pre-commit.ralph-kept and runs before it" in said
        assert f"{name}'s script that was there is kept as pre-push.ralph-kept and runs after it" in said

        assert stand_in.commit()[0] == 0
        assert stand_in.calls() == ["theirs pre-commit", "ours gate"]
        assert stand_in.commit(THEIRS="1")[0] == 1
        assert stand_in.calls() == ["theirs pre-commit"]
        assert stand_in.commit(OURS="1")[0] == 1
        assert stand_in.calls() == ["theirs pre-commit", "ours gate"]

        assert stand_in.push("main", OURS="1")[0] == 1
        assert stand_in.calls()[2:] == []
        assert stand_in.push("main", THEIRS="1")[0] == 1
        stand_in.calls()
        assert stand_in.push("main", "HEAD~1:refs/heads/other")[0] == 0
        ours, theirs = split(stand_in.calls(), "theirs pre-push")
        assert len(ours) == 3
        if name in {"lefthook", "husky"}:  # the others hand the lines on in their own way
            assert [line.replace("ours", "theirs") for line in ours[1:]] == theirs

        screen.says("uninstall")
        assert hooks_of(repo) == before
        assert stand_in.commit()[0] == 0
        assert stand_in.calls() == ["theirs pre-commit"]

    def test_installing_either_again_keeps_each_once(
        self, repo: Repo, screen: Screen, stand_in: StandIn, name: str
    ) -> None:
        """A set-up script, or `npm install`, installs the manager over us."""
        other = Manager(name, repo)
        other.install(*HOOKS)
        before = hooks_of(repo)
        screen.says("install")
        for _ in range(2):
            other.install(*HOOKS)
            screen.says("install")
            screen.says("install")
        assert stand_in.commit()[0] == 0
        assert sorted(stand_in.calls()) == ["ours gate", "theirs pre-commit"]
        screen.says("uninstall")
        assert leftovers(repo) == []
        assert hooks_of(repo) == before

    def test_one_that_comes_later_is_no_trouble(self, repo: Repo, screen: Screen, stand_in: StandIn, name: str) -> None:
        screen.says("install")
        Manager(name, repo).install(*HOOKS)
        screen.says("install")
        assert stand_in.commit()[0] == 0
        assert sorted(stand_in.calls()) == ["ours gate", "theirs pre-commit"]
        screen.says("uninstall")
        assert leftovers(repo) == []
        assert stand_in.commit()[0] == 0
        assert stand_in.calls() == ["theirs pre-commit"]

    def test_one_that_runs_us_already_is_left_alone(
        self, repo: Repo, screen: Screen, stand_in: StandIn, name: str
    ) -> None:
        Manager(name, repo).install("pre-commit")
        file = {"lefthook": "lefthook.yml", "husky": ".husky/pre-commit"}.get(name, ".pre-commit-config.yaml")
        path = repo.path / file
        text = path.read_text(encoding="utf-8")
        path.write_text(f"# ralph-hooks gate\n{text}", encoding="utf-8")
        assert "is kept" in screen.says("install", "--hook", "pre-commit")
        screen.says("uninstall")
        path.write_text(
            text.replace("log", "ralph-gate").replace("set --", "ralph-hooks gate; set --"), encoding="utf-8"
        )
        said = f"pre-commit: unchanged, {name} already runs ralph-hooks ({file})\n"
        assert screen.says("install", "--hook", "pre-commit").startswith(said)
        assert stand_in.calls() == []


def hooks_of(repo: Repo) -> dict[str, bytes]:
    """The files in the folder where git looks for hooks."""
    folder = repo.path / repo.git("rev-parse", "--git-path", "hooks")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".sample"}


def leftovers(repo: Repo) -> list[str]:
    return [name for name, text in hooks_of(repo).items() if "ralph" in name or b"ralph-hooks native hook" in text]


def split(lines: list[str], at: str) -> tuple[list[str], list[str]]:
    index = lines.index(at)
    return lines[:index], lines[index + 1 :]


@pytest.mark.skipif(bool(hook_managers.missing("git-lfs")), reason=hook_managers.missing("git-lfs"))
def test_git_lfs_uploads_what_was_judged_and_nothing_else(repo: Repo, screen: Screen, stand_in: StandIn) -> None:
    remote = stand_in.remote()
    repo.git("lfs", "install", "--local")
    repo.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "large.bin": b"\0" * 5000})
    assert "git-lfs's script that was there is kept" in screen.says("install")
    objects = remote / "lfs" / "objects"
    assert stand_in.push("main", OURS="1")[0] == 1
    assert not objects.exists()
    code, said = stand_in.push("main")
    assert code == 0, said
    assert [path.stat().st_size for path in objects.rglob("*") if path.is_file()] == [5000]
    assert f"ours read refs/heads/main {repo.git('rev-parse', 'HEAD')} refs/heads/main {ZEROS}" in stand_in.calls()
    screen.says("uninstall")
    assert leftovers(repo) == []


def test_a_real_push_is_judged_by_the_real_gate_after_theirs_was_kept(repo: Repo, screen: Screen) -> None:
    """Two refs, of which the second holds what no check lets through; what the other hook does, it does not do."""
    remote = repo.path.with_name("remote.git")
    repo.git("init", "--quiet", "--bare", str(remote))
    repo.git("remote", "add", "origin", str(remote))
    executable(repo.path / ".git" / "hooks" / "pre-push", f"#!/bin/sh\ncat >>{repo.home}/uploaded\n")
    screen.says("install", "--hook", "pre-push")
    env = {"PATH": "/usr/bin:/bin", "RALPH_HOOKS_HOME": str(repo.home / "ralph"), "RALPH_HOOKS_WHEN_UNAVAILABLE": ""}
    repo.git("branch", "good")
    repo.commit({"b.py": "def f(:\n"})
    done = repo.try_git("push", "origin", "good", "main", env=env)
    assert done.returncode == 1
    assert b"b.py:1" in done.stdout + done.stderr
    assert not (repo.home / "uploaded").exists()
    done = repo.try_git("push", "origin", "good", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (repo.home / "uploaded").read_text(encoding="utf-8").startswith("refs/heads/good ")


def test_a_real_commit_is_held_back_by_the_real_gate(repo: Repo, screen: Screen) -> None:
    """From a program that starts git with hardly any PATH, such as an editor."""
    screen.says("install")
    env = {"PATH": "/usr/bin:/bin", "RALPH_HOOKS_HOME": str(repo.home / "ralph")}
    repo.stage({"b.py": "def f(:\n"})
    done = repo.try_git("commit", "-m", "x", env=env)
    assert done.returncode == 1
    assert b"b.py:1" in done.stdout + done.stderr
    repo.stage({"b.py": "def f() -> None: ...\n"})
    done = repo.try_git("commit", "-m", "x", env=env)
    assert done.returncode == 0, done.stderr


def recipes(language: str, about: str) -> list[str]:
    """The examples in ``language`` under a heading of docs/install.md."""
    text = (Path(__file__).parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {about}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize("name", [manager("husky"), manager("lefthook")])
def test_the_recipes_of_the_documentation_work(repo: Repo, screen: Screen, stand_in: StandIn, name: str) -> None:
    remote = stand_in.remote()
    other = Manager(name, repo)
    other.install()
    on_path = executable(repo.home / "bin" / "ralph-hooks", stand_in.python.read_text(encoding="utf-8"))
    repo.env["PATH"] = f"{on_path.parent}{os.pathsep}{repo.env['PATH']}"
    if name == "husky":
        commit, push = recipes("sh", name)
        repo.write({".husky/pre-commit": commit, ".husky/pre-push": push})
    else:
        repo.write({"lefthook.yml": recipes("yaml", name)[0]})
        other.run("lefthook", "install")
    assert stand_in.commit()[0] == 0
    assert stand_in.commit(OURS="1")[0] == 1
    assert stand_in.calls() == ["ours gate", "ours gate"]
    assert stand_in.push("main:one", "main:two", OURS="1")[0] == 1
    assert stand_in.push("main:one", "main:two")[0] == 0
    calls = stand_in.calls()
    assert calls.count(f"ours pre-push origin {remote}") == 2
    assert sum(line.startswith("ours read refs/heads/main ") for line in calls) == 4
    assert f"pre-commit: unchanged, {name} already runs ralph-hooks" in screen.says("install")
