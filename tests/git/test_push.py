"""Real pushes to a real bare repository: what the hook's lines come down to is what no remote has yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.core.report import Action
from ralph_hooks.errors import GitError
from ralph_hooks.git.push import GitPush, pushed, ranged, read_updates
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo

HOOK = """
import sys
from pathlib import Path
Path({lines!r}).write_bytes(sys.stdin.buffer.read())
sys.exit(1)
"""


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit, which its remote ``origin`` has."""
    return published(tmp_path)


def published(folder: Path, object_format: str = "sha1") -> Repo:
    repo = Repo.create(folder / "project", home=folder / "home", object_format=object_format)
    bare = Repo(folder / "origin.git", repo.home)
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare", "--initial-branch=main", f"--object-format={object_format}")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.commit({"a.py": "one\n"})
    repo.git("push", "--quiet", "origin", "main")
    return repo


def lines(repo: Repo, *args: str) -> bytes:
    """What git hands to the pre-push hook; nothing is pushed."""
    seen = repo.path.parent / "lines"
    repo.hook("pre-push", HOOK.format(lines=str(seen)))
    assert repo.try_git("push", *args).returncode == 1
    return seen.read_bytes()


def push(repo: Repo, *args: str, remote: str = "origin") -> GitPush:
    """What ``git push ARGS`` would have judged."""
    return pushed(open_repository(repo.path), read_updates(lines(repo, *args)), remote)


def paths(push: GitPush) -> list[dict[str, str]]:
    """For each portion its paths with their status."""
    return [{entry.path: entry.status.value for entry in part.snapshot.change.entries} for part in push.targets]


def commits(push: GitPush) -> list[list[str]]:
    return [[commit.oid for commit in part.commits] for part in push.targets]


def test_a_push_is_the_net_change_of_the_commits_that_the_remote_lacks(repo: Repo) -> None:
    base = repo.tree()
    first = repo.commit({"b.py": "b\n", "a.py": "two\n"})
    second = repo.commit({"b.py": None, "a.py": "three\n"})
    judged = push(repo, "origin", "main")
    assert commits(judged) == [[first, second]]
    assert paths(judged) == [{"a.py": "M"}]
    (part,) = judged.targets
    assert (part.snapshot.change.base, part.snapshot.change.tree) == (base, repo.tree())
    assert judged.title == "push of main to origin"
    (ref,) = judged.refs
    assert (ref.ref, ref.action, ref.oid, ref.commits) == ("refs/heads/main", Action.UPDATE, second, 2)


def test_what_is_pushed_counts_and_not_what_is_checked_out(repo: Repo) -> None:
    wanted = repo.commit({"b.py": "pushed\n"})
    repo.commit({"b.py": "later\n"})
    repo.stage({"b.py": "staged\n"}).write({"b.py": "edited\n"})
    judged = push(repo, "origin", "HEAD~1:refs/heads/main")
    assert commits(judged) == [[wanted]]
    (part,) = judged.targets
    assert part.snapshot.contents(part.snapshot.change.entries)["b.py"].new == b"pushed\n"


def test_a_commit_that_is_named_by_an_expression_with_blanks_is_found(repo: Repo) -> None:
    wanted = repo.commit({"b.py": "b\n"}, message="the one that counts")
    repo.commit({"c.py": "c\n"})
    judged = push(repo, "origin", "main^{/one that counts}:refs/heads/main")
    assert commits(judged) == [[wanted]]


def test_a_new_branch_is_what_no_remote_has(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    mine = repo.commit({"topic.py": "t\n"})
    judged = push(repo, "origin", "topic")
    assert (commits(judged), paths(judged)) == ([[mine]], [{"topic.py": "A"}])
    assert judged.refs[0].action is Action.CREATE


def test_the_first_push_is_everything(tmp_path: Path) -> None:
    repo = published(tmp_path)
    empty = Repo(tmp_path / "empty.git", repo.home)
    empty.path.mkdir()
    empty.git("init", "--quiet", "--bare")
    repo.git("remote", "set-url", "origin", str(empty.path))
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    judged = push(repo, "origin", "main")
    assert paths(judged) == [{"a.py": "A"}]
    assert judged.targets[0].snapshot.change.base == open_repository(repo.path).empty_tree


def test_a_fork_that_was_just_added_is_not_sent_the_judgement_of_all_history(repo: Repo, tmp_path: Path) -> None:
    fork = Repo(tmp_path / "fork.git", repo.home)
    fork.path.mkdir()
    fork.git("init", "--quiet", "--bare")
    repo.git("remote", "add", "fork", str(fork.path))
    mine = repo.commit({"mine.py": "m\n"})
    assert commits(push(repo, "fork", "main", remote="fork")) == [[mine]]


def test_a_url_is_as_good_as_a_remote(repo: Repo) -> None:
    mine = repo.commit({"mine.py": "m\n"})
    url = f"file://{repo.path.parent}/origin.git"
    judged = push(repo, url, "main", remote="https://ada:secret@git.example/x.git")
    assert commits(judged) == [[mine]]
    assert judged.title == "push of main to https://git.example/x.git"


def test_a_deleted_ref_has_nothing_to_judge(repo: Repo) -> None:
    repo.git("push", "--quiet", "origin", "main:refs/heads/old")
    judged = push(repo, "origin", ":old")
    assert judged.targets == ()
    (ref,) = judged.refs
    assert (ref.action, ref.oid, ref.local_ref) == (Action.DELETE, "", "(delete)")
    assert judged.title == "push of old (deleted) to origin"


def test_a_forced_push_is_judged_from_where_it_left_the_remote(repo: Repo) -> None:
    base = repo.tree()
    repo.commit({"b.py": "first try\n"})
    repo.git("push", "--quiet", "origin", "main")
    repo.stage({"b.py": "second try\n"})
    repo.git("commit", "--quiet", "--amend", "-m", "again")
    judged = push(repo, "--force", "origin", "main")
    assert paths(judged) == [{"b.py": "A"}]
    assert judged.targets[0].snapshot.change.base == base


def test_a_push_back_to_what_the_remote_had_adds_nothing(repo: Repo) -> None:
    repo.commit({"b.py": "b\n"})
    repo.git("push", "--quiet", "origin", "main")
    assert push(repo, "--force", "origin", "HEAD~1:main").targets == ()


def test_after_a_rebase_only_what_is_ones_own_is_judged(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": "t\n"})
    repo.git("push", "--quiet", "origin", "topic")
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs.py": "x\n"})
    repo.git("push", "--quiet", "origin", "main")
    repo.git("checkout", "--quiet", "topic")
    repo.git("rebase", "--quiet", "main")
    assert paths(push(repo, "--force", "origin", "topic")) == [{"topic.py": "A"}]


def diverged(repo: Repo) -> None:
    """Branch ``topic`` and ``main`` are at the remote, and have both changed ``a.py``."""
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": "topic\n", "topic.py": "t\n"})
    repo.git("push", "--quiet", "origin", "topic")
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "main\n", "theirs.py": "x\n"})
    repo.git("push", "--quiet", "origin", "main")


@pytest.mark.parametrize(("into", "merged"), [("topic", "main"), ("main", "topic")])
def test_a_merge_of_what_the_remote_has_adds_its_resolution_alone(repo: Repo, into: str, merged: str) -> None:
    diverged(repo)
    repo.git("checkout", "--quiet", into)
    assert repo.try_git("merge", merged).returncode == 1
    merge = repo.commit({"a.py": "both\n"})
    judged = push(repo, "origin", into)
    assert (commits(judged), paths(judged)) == ([[merge]], [{"a.py": "M"}])
    (found,) = judged.history([merge])
    assert [entry.path for entry in found.entries] == ["a.py", "a.py"]  # against either parent


def test_a_file_that_a_merge_smuggles_in_is_judged(repo: Repo) -> None:
    diverged(repo)
    assert repo.try_git("merge", "topic").returncode == 1
    merge = repo.commit({"a.py": "topic\n", "smuggled.py": "s\n"})
    judged = push(repo, "origin", "main")
    assert paths(judged) == [{"smuggled.py": "A"}]
    assert [found.entries[0].path for found in judged.history([merge])] == ["smuggled.py"]


def test_a_topic_that_has_merged_main_is_compared_with_main_as_it_is_now(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": "t\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs.py": "x\n"})
    repo.git("push", "--quiet", "origin", "main")
    repo.git("checkout", "--quiet", "topic")
    repo.git("merge", "--quiet", "--no-edit", "main")
    assert paths(push(repo, "origin", "topic")) == [{"topic.py": "A"}]


def test_a_history_of_its_own_that_is_merged_is_judged_whole(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.git("rm", "-rfq", ".")
    other = repo.commit({"other.py": "o\n"})
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "other")
    judged = push(repo, "origin", "main")
    assert paths(judged) == [{"other.py": "A"}]
    assert other in commits(judged)[0]


def test_each_commit_of_several_refs_is_judged_once_and_with_the_ref_that_has_it_first(repo: Repo) -> None:
    low = repo.commit({"low.py": "l\n"})
    repo.git("checkout", "--quiet", "-b", "topic")
    high = repo.commit({"high.py": "h\n"})
    repo.git("branch", "twin")
    judged = push(repo, "origin", "topic", "twin", "main")
    assert [part.refs for part in judged.targets] == [("main",), ("topic", "twin")]
    assert commits(judged) == [[low], [high]]
    assert paths(judged) == [{"low.py": "A"}, {"high.py": "A"}]
    assert judged.targets[1].snapshot.change.base == repo.tree("main")
    assert judged.title == "push of main, topic and twin to origin"


def test_what_two_new_branches_share_is_judged_as_it_is_in_each(repo: Repo) -> None:
    """What one of them has taken out is still in the other; what is the same in both is judged once."""
    shared = repo.commit({"x.py": "x\n", "y.py": "y\n", "same.py": "s\n"})
    repo.git("branch", "other")
    repo.commit({"x.py": None})
    repo.git("checkout", "--quiet", "other")
    repo.commit({"y.py": None})
    judged = push(repo, "origin", "main", "other")
    assert sorted(path for part in paths(judged) for path in part) == ["same.py", "x.py", "y.py"]
    assert [commit for part in commits(judged) for commit in part].count(shared) == 1


def test_a_history_of_its_own_that_takes_something_out_of_what_it_merges_is_judged(repo: Repo) -> None:
    repo.commit({"b.py": "b\n"})
    repo.git("push", "--quiet", "origin", "main")
    repo.git("checkout", "--quiet", "--orphan", "own")
    repo.git("rm", "--quiet", "--force", "-r", ".")
    repo.commit({"own.py": "o\n"})
    repo.git("merge", "--quiet", "--no-commit", "--allow-unrelated-histories", "main")
    repo.git("rm", "--quiet", "--force", "b.py")
    repo.git("commit", "--quiet", "-m", "without it")
    assert paths(push(repo, "origin", "own:main")) == [{"own.py": "A", "b.py": "D"}]


def test_a_title_names_a_few_refs_and_counts_the_rest(repo: Repo) -> None:
    names = ["b1", "b2", "b3", "b4", "b5"]
    for name in names:
        repo.git("branch", name)
    assert push(repo, "origin", *names).title == "push of b1, b2, b3 and 2 more to origin"


@pytest.mark.parametrize("args", [("v1",), ("-a", "-m", "one", "v1")], ids=["lightweight", "annotated"])
def test_a_tag_is_the_commit_behind_it(repo: Repo, args: tuple[str, ...]) -> None:
    mine = repo.commit({"b.py": "b\n"})
    repo.git("tag", *args)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    judged = push(repo, "origin", "v1")
    assert (commits(judged), paths(judged)) == ([[mine]], [{"b.py": "A"}])
    assert judged.targets[0].refs == ("tag v1",)


def test_tags_of_what_the_remote_has_add_nothing(repo: Repo) -> None:
    repo.git("tag", "-a", "-m", "one", "v1")
    repo.git("tag", "tree", "HEAD^{tree}")
    repo.git("tag", "blob", "HEAD:a.py")
    judged = push(repo, "origin", "--tags")
    assert judged.targets == ()
    assert len(judged.refs) == 3


def test_a_tag_of_a_blob_or_a_tree_is_judged_as_files(repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"loose\n")
    tree = repo.git(
        "mktree",
        stdin=f"100644 blob {blob}\tin-tree.py\n100644 blob {repo.git('rev-parse', 'HEAD:a.py')}\ta.py\n".encode(),
    )
    repo.git("tag", "-a", "-m", "a blob", "blob", blob)
    repo.git("tag", "tree", tree)
    judged = push(repo, "origin", "--tags")
    assert paths(judged) == [{"refs/tags/blob": "A"}, {"in-tree.py": "A"}]
    snapshot = judged.targets[0].snapshot
    assert snapshot.contents(snapshot.change.entries)["refs/tags/blob"].new == b"loose\n"
    assert commits(judged) == [[], []]


def test_what_the_remote_has_need_not_be_in_this_clone(repo: Repo) -> None:
    mine = repo.commit({"b.py": "b\n"})
    line = f"refs/heads/main {mine} refs/heads/main {'1' * 40}\n"
    judged = pushed(open_repository(repo.path), read_updates(line.encode()), "origin")
    assert commits(judged) == [[mine]]


def test_an_object_that_is_not_there_is_an_error(repo: Repo) -> None:
    line = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n"
    with pytest.raises(GitError, match="111111111111 that is pushed is not in this clone"):
        pushed(open_repository(repo.path), read_updates(line.encode()), "origin")


def test_a_sha256_repository_is_judged(tmp_path: Path) -> None:
    repo = published(tmp_path, "sha256")
    mine = repo.commit({"b.py": "b\n"})
    assert len(mine) == 64
    judged = push(repo, "origin", "main", ":refs/heads/none")
    assert (commits(judged), paths(judged)) == ([[mine]], [{"b.py": "A"}])


def test_a_shallow_clone_judges_what_it_adds_and_says_where_it_cannot(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"b.py": "b\n"})
    repo.git("push", "--quiet", "origin", "main")
    repo.git("clone", "--quiet", "--depth", "1", f"file://{tmp_path}/origin.git", str(tmp_path / "shallow"))
    shallow = Repo(tmp_path / "shallow", repo.home)
    mine = shallow.commit({"c.py": "c\n"})
    judged = push(shallow, "origin", "main")
    assert (commits(judged), paths(judged)) == ([[mine]], [{"c.py": "A"}])
    shallow.git("update-ref", "-d", "refs/remotes/origin/main")
    line = f"refs/heads/new {mine} refs/heads/new {'0' * 40}\n"
    with pytest.raises(GitError, match="does not reach back") as caught:
        pushed(open_repository(shallow.path), read_updates(line.encode()), "origin")
    assert "unshallow" in caught.value.hint


def test_names_of_any_bytes_come_through_history(repo: Repo) -> None:
    names = ["with space", "line\nbreak", "-dash", ":(top)x", "\udcff\udc80", "\x1b[31m"]
    mine = repo.commit(dict.fromkeys(names, "x\n"))
    assert sorted(found.entries[0].path for found in push(repo, "origin", "main").history([mine])) == sorted(names)


def test_history_tells_what_each_commit_did_as_its_hook_saw_it(repo: Repo) -> None:
    text = "".join(f"line {number}\n" for number in range(20))
    first = repo.commit({"b.py": text})
    second = repo.commit({"b.py": None, "c.py": text + "more\n"})
    judged = push(repo, "origin", "main")
    seen = [
        (found.commit, [(e.status.value, e.old_path, e.path) for e in found.entries])
        for found in judged.history([first, second])
    ]
    assert seen == [(first, [("A", "b.py", "b.py")]), (second, [("R", "b.py", "c.py")])]
    entries = [found.entries[0] for found in judged.history([first, second])]
    assert judged.sizes(entries) == [len(text), len(text) + 5]
    added = [
        [line.text for hunk in source.hunks for line in hunk.lines if line.kind == "+"]
        for source in judged.sources(entries)
    ]
    assert added == [text.splitlines(), ["more"]]


def test_commits_carry_their_trees_for_receipts(repo: Repo) -> None:
    before = repo.tree()
    repo.commit({"b.py": "b\n"})
    middle = repo.tree()
    repo.commit({"c.py": "c\n"})
    (part,) = push(repo, "origin", "main").targets
    assert [(commit.base, commit.tree) for commit in part.commits] == [(before, middle), (middle, repo.tree())]


def test_a_range_is_judged_whole_whatever_remotes_have_of_it(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    mine = repo.commit({"topic.py": "t\n"})
    repo.git("push", "--quiet", "origin", "topic")
    judged = ranged(open_repository(repo.path), "origin/main", "topic")
    assert (commits(judged), paths(judged)) == ([[mine]], [{"topic.py": "A"}])
    assert (judged.title, judged.refs) == ("origin/main..topic", ())


@pytest.mark.parametrize("data", [b"nonsense\n", b"refs/heads/main 123 refs/heads/main 456\n"])
def test_lines_that_git_would_not_write_are_refused(data: bytes) -> None:
    with pytest.raises(GitError, match="not a line of a pre-push hook"):
        read_updates(data)
