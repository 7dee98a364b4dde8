"""Commits of every form: what the hook judges is the tree that git then commits, and the hook changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.hooked import RUNNERS, Hooked
from tests.support.matrix import every, product

FORMS: list[tuple[str, ...]] = [
    (),
    ("-a",),
    ("-i", "tree.py"),
    ("-o", "tree.py"),
    ("--", "tree.py"),
    ("--", "both.py"),
    ("--amend",),
    ("--amend", "-o", "tree.py"),
]


def named(value: object) -> str:
    return value if isinstance(value, str) else " ".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(("args", "hooked"), every(2, product(FORMS, RUNNERS, name=named)), indirect=["hooked"])
def test_the_judged_tree_is_the_committed_one(hooked: Hooked, args: Sequence[str]) -> None:
    """With a staged file, one that is edited further, and one that is edited only in the working tree."""
    repo = hooked.repo
    repo.commit({"both.py": "old = 1\n", "tree.py": "old = 2\n"})
    hooked.install()
    repo.stage({"staged.py": "staged = 1\n", "both.py": "staged = 2\n"})
    repo.write({"both.py": "later = 1\n", "tree.py": "later = 2\n", "untracked.py": "new = 1\n"})
    report = hooked.commit(*args)
    assert report["tree"] == repo.tree()
    assert report["verdict"] == "pass"
    edited = {name: (repo.path / name).read_text() for name in ("both.py", "tree.py", "untracked.py")}
    assert edited == {"both.py": "later = 1\n", "tree.py": "later = 2\n", "untracked.py": "new = 1\n"}
    if "--amend" not in args:  # whose hook sees what is new against the commit that is amended
        assert hooked.judged_lines() == hooked.committed_lines()
        assert report["paths"] == len(repo.git("show", "--format=", "--name-only").split())


def test_an_interactively_chosen_part_is_all_that_is_judged(hooked: Hooked) -> None:
    lines = [f"x{number} = {number}\n" for number in range(40)]
    hooked.repo.commit({"long.py": "".join(lines)})
    hooked.install()
    hooked.repo.write({"long.py": "".join(["first = 1\n", *lines[1:-1], "last = 1\n"])})
    report = hooked.commit("-p", stdin=b"y\nn\n")
    assert report["tree"] == hooked.repo.tree()
    assert hooked.judged_lines() == {"-x0 = 0", "+first = 1"}
    assert (hooked.repo.path / "long.py").read_text().endswith("last = 1\n")


def test_the_first_commit(hooked: Hooked) -> None:
    hooked.install()
    hooked.repo.git("update-ref", "-d", "HEAD")
    hooked.repo.stage({"a.py": "a = 1\n"})
    report = hooked.commit()
    assert report["tree"] == hooked.repo.tree()
    assert report["paths"] == len(hooked.repo.git("ls-files").splitlines())


@pytest.mark.parametrize(
    ("args", "hooked"), every(3, product([(), ("-a",), ("--", "tree.py")], RUNNERS, name=named)), indirect=["hooked"]
)
def test_a_linked_worktree(hooked: Hooked, args: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    main = hooked.repo
    main.commit({"tree.py": "old = 1\n"})
    hooked.install()
    place = tmp_path_factory.mktemp("linked") / "linked"
    main.git("worktree", "add", "--quiet", "-b", "topic", str(place))
    main.stage({"main_only.py": "main = 1\n"})
    hooked.repo = hooked.at(place)
    hooked.repo.stage({"linked.py": "linked = 1\n"}).write({"tree.py": "later = 1\n"})
    report = hooked.commit(*args)
    assert report["tree"] == hooked.repo.tree()
    assert not any("main_only" in request.prompt for request in hooked.server.requests)


def test_an_intention_to_add_stays_one(hooked: Hooked) -> None:
    hooked.install()
    hooked.repo.write({"later.py": "later = 1\n"}).git("add", "--intent-to-add", "later.py")
    hooked.repo.stage({"a.py": "a = 1\n"})
    report = hooked.commit()
    assert (report["tree"], report["paths"]) == (hooked.repo.tree(), 1)


def test_a_commit_that_only_deletes_reaches_the_hook(hooked: Hooked) -> None:
    hooked.repo.commit({"guard.py": "def check(user):\n    require(user)\n"})
    hooked.install()
    hooked.repo.stage({"guard.py": None})
    report = hooked.commit()
    assert report["tree"] == hooked.repo.tree()
    assert "-    require(user)" in hooked.judged_lines()


def test_a_subfolder(hooked: Hooked) -> None:
    hooked.install()
    hooked.repo.stage({"a.py": "a = 1\n", "deep/er/b.py": "b = 1\n"})
    top, hooked.repo = hooked.repo, hooked.at(hooked.repo.path / "deep" / "er")
    report = hooked.commit()
    assert (report["tree"], report["paths"]) == (top.tree(), 2)


def test_a_merge_that_had_conflicts(hooked: Hooked) -> None:
    repo = hooked.repo
    hooked.install()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": "topic = 1\n", "a.py": "topic = 1\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "main = 1\n"})
    assert repo.try_git("merge", "--quiet", "topic").returncode == 1
    repo.stage({"a.py": "resolved = 1\n"})
    report = hooked.commit()
    assert (report["tree"], report["paths"]) == (repo.tree(), 2)


def test_an_index_with_conflicts_never_gets_that_far(hooked: Hooked) -> None:
    repo = hooked.repo
    hooked.install()
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": "topic = 1\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "main = 1\n"})
    assert repo.try_git("merge", "--quiet", "topic").returncode == 1
    assert repo.try_git("commit", "-m", "no").returncode == 128
    assert hooked.witnessed() == []


def test_names_of_any_bytes(hooked: Hooked) -> None:
    hooked.install()
    names = [b"with space.py", b"line\nbreak.py", b"-rf.py", b":(top).py"]
    if hooked.runner != "pre-commit":  # which itself fails on them, and with it the commit
        names.append(b"not-utf8-\xff.py")
    for name in names:
        (hooked.repo.path / name.decode("utf-8", "surrogateescape")).write_bytes(b"x = 1\n")
        hooked.repo.git("--literal-pathspecs", "add", "--", name)
    report = hooked.commit()
    assert (report["tree"], report["paths"], report["reviewed"]) == (hooked.repo.tree(), len(names), len(names))
