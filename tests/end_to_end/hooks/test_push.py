"""Real pushes to a real remote through each kind of hook: the same pushes go through, the same are held back."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.credentials import SERVICES
from tests.support.matrix import every, first, product
from tests.support.project import BIN, Project
from tests.support.push import Remote
from tests.support.repo import Repo
from tests.support.server import Finds, Reply, analyst

MANIFEST = Path(__file__).parents[3] / ".pre-commit-hooks.yaml"
BUG = "eval(input())\n"
SECRET = SERVICES["Stripe"](random.Random(4))

Prepare = Callable[[Repo, Remote], list[str]]
"""Commits what is pushed and returns the arguments of `git push`."""


def clean(repo: Repo, _: Remote) -> list[str]:
    repo.commit({"a.py": "a = 1\n"})
    return ["origin", "main"]


def bug(repo: Repo, _: Remote) -> list[str]:
    """What is checked out by now has no bug."""
    repo.commit({"a.py": BUG})
    repo.commit({"a.py": "a = 1\n"})
    return ["origin", "HEAD~1:main"]


def new_branch(repo: Repo, _: Remote) -> list[str]:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": BUG})
    repo.git("checkout", "--quiet", "main")
    return ["--set-upstream", "origin", "topic"]


def known_branch(repo: Repo, remote: Remote) -> list[str]:
    """The remote has it under another name."""
    repo.commit({"a.py": BUG})
    remote.accept("main")
    return ["origin", "main:refs/heads/twin"]


def secret_between(repo: Repo, _: Remote) -> list[str]:
    repo.commit({"a.py": f'key = "{SECRET}"\n'})
    repo.commit({"a.py": "key = 1\n"})
    return ["origin", "main"]


def deletion(_: Repo, remote: Remote) -> list[str]:
    remote.accept("main:refs/heads/old")
    return ["origin", "--delete", "old"]


def forced(repo: Repo, remote: Remote) -> list[str]:
    repo.commit({"a.py": "a = 1\n"})
    remote.accept("main")
    repo.stage({"a.py": BUG})
    repo.git("commit", "--quiet", "--no-verify", "--amend", "--no-edit")
    return ["--force", "origin", "main"]


def tag(repo: Repo, _: Remote) -> list[str]:
    repo.commit({"a.py": BUG})
    repo.git("tag", "-a", "-m", "one", "v1")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    return ["origin", "v1"]


def merged(repo: Repo, _: Remote) -> list[str]:
    """A merge and what it merges have seen no commit hook."""
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"side.py": BUG})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "a = 1\n"})
    repo.git("merge", "--quiet", "--no-edit", "side")
    return ["origin", "main"]


def reverted(repo: Repo, remote: Remote) -> list[str]:
    """`git revert` runs no commit hook, and brings back what was wrong."""
    repo.commit({"a.py": BUG})
    repo.commit({"a.py": "a = 1\n"})
    remote.accept("main")
    repo.git("revert", "--no-edit", "HEAD")
    return ["origin", "main"]


def rebased(repo: Repo, remote: Remote) -> list[str]:
    """What comes from the remote is not judged again, and holds nobody back."""
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": "t = 1\n"})
    remote.accept("topic")
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs.py": BUG})
    remote.accept("main")
    repo.git("checkout", "--quiet", "topic")
    repo.git("rebase", "--quiet", "main")
    return ["--force", "origin", "topic"]


def by_url(repo: Repo, remote: Remote) -> list[str]:
    repo.commit({"a.py": BUG})
    return [f"file://{remote.bare.path}", "main"]


def first_push(repo: Repo, _: Remote) -> list[str]:
    """An empty remote, and a history that nobody knows."""
    empty = Repo(repo.path.parent / "empty.git", repo.home)
    empty.path.mkdir()
    empty.git("init", "--quiet", "--bare")
    repo.commit({"a.py": BUG})
    repo.git("remote", "set-url", "origin", str(empty.path))
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    return ["origin", "main"]


def nothing(_: Repo, __: Remote) -> list[str]:
    return ["origin", "main"]


SCENARIOS: dict[Prepare, str | None] = {
    clean: "pass",
    bug: "fail",
    new_branch: "fail",
    known_branch: None,
    secret_between: "fail",
    deletion: None,
    forced: "fail",
    tag: "fail",
    merged: "fail",
    reverted: "fail",
    rebased: "pass",
    by_url: "fail",
    first_push: "fail",
    nothing: None,
}
"""With the verdict; None if a push goes through and a framework does not even call us."""


def native(project: Project) -> None:
    done = project.program("install", "--hook", "pre-push")
    assert done.code == 0, done.err


def framework(project: Project, name: str) -> None:
    """Our hook as the manifest has it, but from this checkout's environment: nothing has to be installed."""
    hooks: list[dict[str, Any]] = msgspec.yaml.decode(MANIFEST.read_bytes())
    (ours,) = (hook for hook in hooks if hook["id"] == "ralph-push")
    config = {"repos": [{"repo": "local", "hooks": [{**ours, "language": "system"}]}]}
    project.repo.commit({".pre-commit-config.yaml": msgspec.yaml.encode(config)})
    project.repo.env |= {"PRE_COMMIT_HOME": str(project.home / name), "PREK_HOME": str(project.home / name)}
    args = [str(BIN / name), "install", "--hook-type", "pre-push"]
    done = subprocess.run(args, cwd=project.repo.path, env=project.repo.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


MANAGERS: dict[str, Callable[[Project], None]] = {
    "native": native,
    "pre-commit": partial(framework, name="pre-commit"),
    "prek": partial(framework, name="prek"),
}


@pytest.fixture
def remote(request: pytest.FixtureRequest, project: Project) -> Remote:
    """A remote behind the hook of one manager."""
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    project.repo.env |= project.environ
    MANAGERS[request.param](project)
    return Remote(project)


def refs(repo: Repo) -> str:
    return repo.git("for-each-ref", "--format=%(refname) %(objectname)")


def named(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("prepare", "remote"), every(2, product(SCENARIOS, MANAGERS, name=named)), indirect=["remote"])
def test_a_push_gets_the_same_verdict_through_every_kind_of_hook(
    project: Project, remote: Remote, prepare: Prepare
) -> None:
    repo = project.repo
    args = prepare(repo, remote)
    before, mine = refs(remote.bare), refs(repo)
    done = repo.try_git("push", *args)
    said = (done.stdout + done.stderr).decode()
    expected = SCENARIOS[prepare]
    assert (done.returncode == 0) is (expected != "fail"), said
    if expected == "fail":
        assert (refs(remote.bare), refs(repo)) == (before, mine)
    if expected:
        assert project.last()["verdict"] == expected
    assert "Traceback" not in said
    assert SECRET not in said


@pytest.mark.usefixtures("remote")
@pytest.mark.parametrize("remote", first(2, MANAGERS), indirect=True)
def test_under_a_framework_one_ref_arrives_and_that_is_said(project: Project) -> None:
    repo = project.repo
    repo.commit({"a.py": "a = 1\n"})
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"b.py": BUG})
    done = repo.try_git("push", "origin", "main", "topic")
    said = " ".join((done.stdout + done.stderr).decode().split())
    judged = project.last()
    one_of_two = "pass on only one of the pushed refs: main was reviewed"
    if len(judged["refs"]) == 2:  # the native hook
        assert (done.returncode, judged["verdict"], one_of_two in said) == (1, "fail", False)
    else:
        assert (done.returncode, judged["verdict"], one_of_two in said) == (0, "pass", True), said


@pytest.mark.parametrize("remote", first(1, MANAGERS), indirect=True)
def test_an_outage_holds_a_push_back_through_every_kind_of_hook(project: Project, remote: Remote) -> None:
    project.models(Reply.status(503))
    project.repo.commit({"a.py": "a = 1\n"})
    before = refs(remote.bare)
    done = project.repo.try_git("push", "origin", "main")
    assert (done.returncode, refs(remote.bare) == before) == (1, True)
    assert project.last()["exit_code"] == 3
