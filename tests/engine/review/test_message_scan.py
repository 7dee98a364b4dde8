"""Secrets in the messages of commits and tags that are pushed."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from tests.support.changes import SECRET
from tests.support.project import Project
from tests.support.push import Remote
from tests.support.server import analyst


@pytest.fixture
def remote(project: Project) -> Remote:
    """A bare remote that has what the project has."""
    return Remote(project)


def test_a_secret_in_the_message_of_any_commit_holds_the_push_back(project: Project, remote: Remote) -> None:
    server = project.models(analyst())
    first = project.repo.commit({"a.py": "a = 1\n"}, message=f"Add a\n\nit logs in with {SECRET} for now")
    project.repo.commit({"a.py": "a = 2\n"})
    judged = remote.push("main")
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["path"], finding["line"], finding["category"]) == (f"commit {first[:10]}", 3, "secret")
    assert finding["quote"] == "it logs in with <secret> for now"
    assert f"git rebase -i {first[:10]}^" in finding["message"]
    assert SECRET not in json.dumps(judged.report) + "".join(request.prompt for request in server.requests)
    project.repo.git("reset", "--quiet", "--soft", "HEAD~2")
    project.repo.commit(message="Add a")
    assert remote.push("main").code == 0


def test_the_author_can_say_that_what_a_message_holds_is_no_secret(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"a.py": "a = 1\n"}, message=f"Add a\n\nfor {SECRET}  # pragma: allowlist secret")
    assert remote.push("main").code == 0


@pytest.mark.parametrize("name", ["v2", "v1;x"])
def test_a_secret_in_the_text_of_a_tag_holds_it_back(project: Project, remote: Remote, name: str) -> None:
    """Also where the remote has the commit, and where the tag that is pushed stands for another."""
    project.models(analyst())
    project.repo.git("tag", "-a", "-m", f"First\n\nthe key is {SECRET}", "v1;x")
    project.repo.git("tag", "-a", "-m", "Again", "v2", "v1;x")
    judged = remote.push(name)
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["path"], finding["line"]) == (f"tag {name}", 3)
    assert f"git tag -f -a {shlex.quote(name)}`" in finding["message"]
    assert [ref["verdict"] for ref in judged.report["refs"]] == ["fail"]
    assert SECRET not in json.dumps(judged.report)


def test_a_message_that_is_known_is_not_read_again(project: Project, remote: Remote) -> None:
    project.models(analyst())
    for number in range(3):
        project.repo.commit({"a.py": f"a = {number}\n"}, message=f"Step {number}\n\nChange-Id: I{number:040x}")
    assert remote.push("main").code == 0
    args = [sys.executable, "-X", "importtime", "-m", "ralph_hooks", "pre-push", "origin", "url"]
    done = subprocess.run(
        args, cwd=project.repo.path, env=project.environ, input=remote.lines("main"), capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"detect_secrets" not in done.stderr


def test_a_message_that_is_too_long_to_scan_is_listed(project: Project, remote: Remote) -> None:
    project.models(analyst())
    oid = project.repo.commit({"a.py": "a = 1\n"}, message="long words " * 10_000)
    assert remote.push("main").unreviewed == {f"commit {oid[:10]}": "too large (0.1 MB)"}
