"""Which commits were reviewed when, how, and at which cost."""

from __future__ import annotations

import re

import pytest

from tests.support.project import TWO_LINES, Project
from tests.support.push import Remote
from tests.support.server import Finds, analyst

WHEN = r"\d{4}-\d\d-\d\d \d\d:\d\d"


@pytest.fixture(autouse=True)
def remote(project: Project) -> Remote:
    project.models(analyst(Finds("eval(", "No.")))
    project.configure(TWO_LINES)
    return Remote(project)


def listed(project: Project, *args: str) -> dict[str, list[str]]:
    """By subject, the lines below it; the time of each replaced by WHEN."""
    done = project.run("show", "--commits", *args)
    assert done.code == 0, done.err
    found: dict[str, list[str]] = {}
    subject = ""
    for line in done.out.splitlines():
        if line.startswith("  "):
            found[subject].append(re.sub(WHEN, "WHEN", line.strip()))
        else:
            subject = line.partition("  ")[2]
            found[subject] = []
    return found


def test_each_commit_is_listed_with_what_judged_it(project: Project, remote: Remote) -> None:
    remote.commit_judged({"a.py": "a = 1\n"})
    project.repo.commit({"b.py": "b = 1\n"}, message="past the hook")
    assert remote.push("main").code == 0
    project.repo.commit({"c.py": "c = 1\n"}, message="later")
    assert listed(project, "origin/main..main") == {
        "later": ["not reviewed yet"],
        "past the hook": [
            "not reviewed when it was committed",
            "WHEN  pre-push  pass          scripted/cheap, $0.0004 for 2 commits together",
        ],
        "judged": [
            "WHEN  gate      pass          scripted/cheap, $0.0003",
            "WHEN  pre-push  pass          scripted/cheap, $0.0004 for 2 commits together",
        ],
    }


def test_a_commit_that_was_refused_and_made_all_the_same_says_so(project: Project) -> None:
    project.repo.stage({"a.py": "eval(input())\n"})
    assert project.run("gate").code == 1
    project.repo.git("commit", "--quiet", "--no-verify", "-m", "all the same")
    (line,) = listed(project)["all the same"]
    assert line.startswith("WHEN  gate      fail ")


def test_an_amended_commit_has_what_judged_its_last_step(project: Project, remote: Remote) -> None:
    remote.commit_judged({"a.py": "a = 1\n"})
    remote.commit_judged({"a.py": "a = 2\n"}, "--amend")
    (line,) = listed(project, "HEAD~1..")["judged"]
    assert line.startswith("WHEN  gate      pass ")


def test_the_first_commit_and_subjects_from_elsewhere_are_shown_safely(project: Project) -> None:
    project.repo.commit({"a.py": "a = 1\n"}, message="\x1b[31mred\u202e")
    found = listed(project)
    assert found[r"\x1b[31mred\u202e"] == ["not reviewed yet"]
    assert list(found)[-1] == "change"


def test_a_range_that_git_does_not_know_is_an_error_in_words(project: Project) -> None:
    done = project.run("show", "--commits", "nowhere..main")
    assert (done.code, done.err) == (
        2,
        "ralph-hooks: git rev-list failed with exit code 128: bad revision 'nowhere..main'\n",
    )


def test_a_long_history_is_cut_and_says_how_to_see_the_rest(project: Project) -> None:
    for number in range(20):
        project.repo.commit(message=f"number {number}")
    out = project.run("show", "--commits").out
    assert out.count("not reviewed yet") == 20
    assert "give a range" in out
