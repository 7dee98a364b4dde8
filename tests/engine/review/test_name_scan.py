"""Secrets in names and links."""

from __future__ import annotations

import json

import pytest

from tests.support.changes import SECRET
from tests.support.matrix import first
from tests.support.project import Project
from tests.support.push import Remote
from tests.support.server import analyst


@pytest.fixture
def remote(project: Project) -> Remote:
    """A bare remote that has what the project has."""
    return Remote(project)


def named(project: Project, where: str) -> str:
    """Put a credential ``where`` it is no content of a file; the ref to push."""
    repo, link = project.repo, project.repo.path / "link"
    people = {"author": "GIT_AUTHOR_NAME", "address": "GIT_AUTHOR_EMAIL", "committer": "GIT_COMMITTER_NAME"}
    if where in people:
        repo.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "x", env={people[where]: f"for {SECRET} now"})
    elif where == "header":  # as that of a merged tag that is signed
        repo.commit({"a.py": "a = 1\n"})
        header, _, message = repo.git("cat-file", "commit", "HEAD").partition("\n\n")
        raw = (
            f"{header}\nmergetag object {repo.git('rev-parse', 'HEAD')}\n tag x\n \n the key is {SECRET}\n\n{message}\n"
        )
        repo.git("update-ref", "HEAD", repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode()))
    elif where == "branch":
        repo.git("checkout", "-q", "-b", f"fix/{SECRET}")
        repo.commit({"a.py": "a = 1\n"})
    elif "tag" in where:
        repo.git("tag", *(["-a", "-m", "x"] if "annotated" in where else []), SECRET)
    elif "name" in where:
        repo.commit({f"data/{SECRET}.bin": b"\0"})
    else:
        link.symlink_to(f"../{SECRET}/x")
        repo.stage()
        repo.commit()
    if "then" in where:
        repo.git("mv", f"data/{SECRET}.bin" if "name" in where else "link", "other.bin")
        if "link" in where:
            (repo.path / "other.bin").unlink()
            (repo.path / "other.bin").symlink_to("a.py")
        repo.stage()
        repo.commit()
    return SECRET if "tag" in where else repo.git("branch", "--show-current")


@pytest.mark.parametrize(
    "where",
    first(
        6,
        [
            "author",
            "header",
            "branch",
            "annotated tag",
            "file name, then another",
            "link target",
            "address",
            "committer",
            "tag",
            "file name",
            "link target, then another",
        ],
    ),
)
def test_a_secret_in_what_is_no_content_holds_the_push_back(project: Project, remote: Remote, where: str) -> None:
    server = project.models(analyst())
    judged = remote.push(named(project, where))
    assert judged.code == 1
    assert {finding["category"] for finding in judged.blocking} == {"secret"}
    shown = project.run("show").out + project.run("show", "--list").out
    assert SECRET not in json.dumps(judged.report) + judged.err + shown + "".join(
        each.prompt for each in server.requests
    )


@pytest.mark.parametrize("where", ["file name", "link target"])
def test_a_secret_in_a_name_or_link_holds_a_commit_back(project: Project, where: str) -> None:
    server = project.models(analyst())
    if where == "file name":
        project.repo.stage({f"data/{SECRET}.py": "x = 1\n"})
    else:
        (project.repo.path / "link").symlink_to(f"../{SECRET}/x")
        project.repo.stage()
    judged = project.judge()
    (finding,) = judged.blocking
    assert (judged.code, finding["category"]) == (1, "secret")
    assert SECRET not in json.dumps(judged.report) + judged.err + "".join(each.prompt for each in server.requests)
