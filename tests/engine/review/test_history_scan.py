"""Secrets in the history that is pushed."""

from __future__ import annotations

import random

import pytest

from tests.support.changes import SECRET
from tests.support.credentials import SERVICES
from tests.support.project import TWO_LINES, Project
from tests.support.push import Remote
from tests.support.server import analyst


@pytest.fixture
def remote(project: Project) -> Remote:
    """A bare remote that has what the project has."""
    return Remote(project)


def test_a_secret_that_a_later_commit_takes_out_holds_the_push_back(project: Project, remote: Remote) -> None:
    project.models(analyst())
    leaky = project.repo.commit({"a.py": f'key = "{SECRET}"\n'})
    project.repo.commit({"a.py": "key = 1\n"})
    judged = remote.push("main")
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["category"], finding["path"], finding["line"]) == ("secret", "a.py", 1)
    assert f"commit {leaky[:10]} added it" in finding["message"]
    assert SECRET not in str(judged.report)


def test_a_secret_that_is_still_there_is_told_once_and_never_sent(project: Project, remote: Remote) -> None:
    server = project.models(analyst())
    project.repo.commit({"a.py": f'key = "{SECRET}"\n', "b.py": "b = 1\n"})
    project.repo.commit({"c.py": "c = 1\n"})
    judged = remote.push("main")
    assert [finding["path"] for finding in judged.blocking] == ["a.py"]
    assert "added it" not in judged.blocking[0]["message"]
    assert server.requests
    assert all(SECRET not in request.prompt for request in server.requests)


def test_a_mark_that_a_later_commit_adds_excuses_the_same_value_and_no_other(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"a.py": f'key = "{SECRET}"\n'})
    project.repo.commit({"a.py": f'key = "{SECRET}"  # pragma: allowlist secret\n'})
    assert remote.push("main").code == 0
    other = SERVICES["Stripe"](random.Random(5))
    project.repo.commit({"a.py": f'key = "{other}"  # pragma: allowlist secret\n'})
    assert [finding["path"] for finding in remote.push("main").blocking] == ["a.py"]


def test_a_secret_in_a_file_that_was_only_ever_between_two_commits_is_found(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"keys/dump.lock": f'key = "{SECRET}"\n'})
    project.repo.commit({"keys/dump.lock": None})
    judged = remote.push("main")
    assert (judged.code, [finding["path"] for finding in judged.blocking]) == (1, ["keys/dump.lock"])
    assert judged.report["paths"] == 0


def test_a_secret_that_a_merge_smuggles_in_is_found_and_one_that_the_remote_has_is_not(
    project: Project, remote: Remote
) -> None:
    project.models(analyst())
    repo = project.repo
    repo.commit({"a.py": "a = 1\n"})
    remote.accept("main")
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": "a = 2\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": f'a = "{SECRET}"\n'})
    remote.accept("main")  # past the gate: what is there cannot be held back any more
    repo.git("checkout", "--quiet", "topic")
    repo.try_git("merge", "main")
    repo.commit({"a.py": f'a = "{SECRET}"\nb = 2\n'})
    assert remote.push("topic").blocking == []
    other = SERVICES["GitHub"](random.Random(4))
    repo.stage({"a.py": f'a = "{SECRET}"\nb = "{other}"\n'})
    repo.git("commit", "--quiet", "--amend", "--no-verify", "--no-edit")
    assert [(f["path"], f["line"]) for f in remote.push("topic").blocking] == [("a.py", 2)]


def test_files_of_past_commits_that_cannot_be_scanned_are_listed(project: Project, remote: Remote) -> None:
    project.models(analyst())
    large = b"x" * 1_100_000
    project.repo.commit({"big.txt": large, "big.bin": b"\0" + large, "image.png": b"\0\1", "empty.txt": ""})
    project.repo.commit({"big.txt": None, "big.bin": None, "image.png": None, "empty.txt": None})
    listed = remote.push("main").unreviewed
    assert sorted(listed) == ["big.bin", "image.png"]  # a large text is scanned in pieces
    assert listed["big.bin"].startswith("too large (1.1 MB) (in commit ")
    assert remote.push("main").unreviewed == listed  # and from the cache too


def test_a_scan_that_the_deadline_ends_says_what_is_left(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.push]\ndeadline = 0.000001\n")
    remote.accept("main")
    for number in range(3):
        project.repo.commit({"a.py": f"a = {number}\n"})
    judged = remote.push("main")
    assert (judged.code, judged.verdict) == (3, "inconclusive")
    assert "the secret scan did not reach 3 commits before the deadline" in judged.report["reason"]


def test_what_one_version_came_to_is_known_to_gate_and_push_alike(project: Project, remote: Remote) -> None:
    """A commit that the hook has scanned is not read again: the store holds it under the same key."""
    project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n"})
    blob = project.repo.git("rev-parse", "HEAD:a.py")
    (project.repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert remote.push("main").code == 0
