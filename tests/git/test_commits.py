"""Real commits of every form: what a hook sees as the change is the tree that git then commits."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.repo import Repo

ROOT = Path(__file__).parents[2]
HOOK = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from ralph_hooks.git.snapshot import open_repository, staged
snapshot = staged(open_repository(Path.cwd()))
change = snapshot.change
seen = {{
    "tree": change.tree,
    "base": change.base,
    "index": os.environ.get("GIT_INDEX_FILE"),
    "entries": {{entry.path: entry.status.value for entry in change.entries}},
    "contents": {{path: (c.new or b"").decode() for path, c in snapshot.contents(change.entries).items()}},
    "added": {{
        path: [line.text for hunk in hunks for line in hunk.lines if line.kind == "+"]
        for path, hunks in snapshot.hunks(change.entries).items()
    }},
}}
Path({seen!r}).write_text(json.dumps(seen))
"""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return tmp_path / "seen.json"


def install(repo: Repo, seen: Path) -> None:
    repo.hook("pre-commit", HOOK.format(root=str(ROOT), seen=str(seen)))


def commit(repo: Repo, seen: Path, *args: str) -> Any:  # noqa: ANN401 - what the hook wrote
    """Commit with ``args``; what the hook saw, once it is clear that git committed the same."""
    install(repo, seen)
    repo.git("commit", "-m", "change", *args)
    told = json.loads(seen.read_text())
    assert told["tree"] == repo.tree()
    return told


@pytest.fixture
def busy(repo: Repo) -> Repo:
    """A repository with a staged file, a file that is edited further, and one that is edited only in the tree."""
    repo.commit({"both.py": "old\n", "tree.py": "old\n", "gone.py": "old\n"})
    repo.stage({"staged.py": "staged\n", "both.py": "staged\n"})
    repo.write({"both.py": "later\n", "tree.py": "later\n", "untracked.py": "new\n"})
    return repo


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), {"staged.py": "staged\n", "both.py": "staged\n"}),
        (("-a",), {"staged.py": "staged\n", "both.py": "later\n", "tree.py": "later\n"}),
        (("-i", "tree.py"), {"staged.py": "staged\n", "both.py": "staged\n", "tree.py": "later\n"}),
        (("-o", "tree.py"), {"tree.py": "later\n"}),
        (("--", "tree.py"), {"tree.py": "later\n"}),
        (("--", "both.py"), {"both.py": "later\n"}),
        (("--amend",), {"staged.py": "staged\n", "both.py": "staged\n"}),
        (("--amend", "-o", "tree.py"), {"tree.py": "later\n"}),
        (("--allow-empty", "--only"), {}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_judged_blobs_are_the_committed_ones(
    busy: Repo, seen: Path, args: Sequence[str], expected: dict[str, str]
) -> None:
    before = busy.tree()
    told = commit(busy, seen, *args)
    assert told["contents"] == expected
    assert told["base"] == before
    assert told["added"] == {path: text.splitlines() for path, text in expected.items()}
    for path, text in expected.items():
        assert busy.git("cat-file", "blob", f"HEAD:{path}") + "\n" == text


def test_an_interactively_chosen_part_is_all_that_is_judged(repo: Repo, seen: Path) -> None:
    lines = [f"{number}\n" for number in range(40)]
    repo.commit({"long.py": "".join(lines)})
    repo.write({"long.py": "".join(["first\n", *lines[1:-1], "last\n"])})
    install(repo, seen)
    done = repo.try_git("commit", "-p", "-m", "part", stdin=b"y\nn\n", env={"TERM": "dumb"})
    assert done.returncode == 0, done.stderr
    told = json.loads(seen.read_text())
    assert told["tree"] == repo.tree()
    assert told["added"] == {"long.py": ["first"]}


def test_the_first_commit_is_judged_against_nothing(tmp_path: Path, seen: Path) -> None:
    repo = Repo.create(tmp_path / "new", home=tmp_path / "home").stage({"a.py": "one\n"})
    told = commit(repo, seen)
    assert told["contents"] == {"a.py": "one\n"}
    assert told["base"] == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize("args", [(), ("-a",), ("--", "tree.py")])
def test_a_linked_worktree_is_judged_by_its_own_index(
    repo: Repo, tmp_path: Path, seen: Path, args: Sequence[str]
) -> None:
    repo.commit({"tree.py": "old\n"})
    repo.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "linked"))
    repo.stage({"main-only.py": "main\n"})
    linked = Repo(tmp_path / "linked", repo.home).stage({"linked.py": "linked\n"}).write({"tree.py": "later\n"})
    told = commit(linked, seen, *args)
    assert "main-only.py" not in told["entries"]
    assert told["entries"] == (
        {"tree.py": "M"} if args == ("--", "tree.py") else {"linked.py": "A"} | ({"tree.py": "M"} if args else {})
    )


def test_a_hook_from_core_hookspath_judges_the_same(repo: Repo, tmp_path: Path, seen: Path) -> None:
    repo.git("config", "core.hooksPath", str(tmp_path / "shared-hooks"))
    told = commit(repo.stage({"b.py": "b\n"}), seen)
    assert told["contents"] == {"b.py": "b\n"}


def test_a_commit_from_a_subfolder_judges_the_whole_change(repo: Repo, seen: Path) -> None:
    repo.commit({"deep/er/b.py": "b\n"})
    repo.stage({"a.py": "top\n", "deep/er/b.py": "deep\n"})
    install(repo, seen)
    Repo(repo.path / "deep/er", repo.home).git("commit", "-m", "change")
    assert json.loads(seen.read_text())["contents"] == {"a.py": "top\n", "deep/er/b.py": "deep\n"}


def test_a_merge_in_progress_is_judged_against_head(repo: Repo, seen: Path) -> None:
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": "topic\n", "a.py": "topic\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": "main\n"})
    assert repo.try_git("merge", "topic").returncode == 1
    told = commit(repo.stage({"a.py": "resolved\n"}), seen)
    assert told["contents"] == {"a.py": "resolved\n", "topic.py": "topic\n"}


def test_a_sha256_repository_is_judged(tmp_path: Path, seen: Path) -> None:
    repo = Repo.create(tmp_path / "new", object_format="sha256", home=tmp_path / "home").stage({"a.py": "one\n"})
    assert len(commit(repo, seen)["tree"]) == 64
    told = commit(repo.write({"a.py": "two\n"}), seen, "-a")
    assert told["added"] == {"a.py": ["two"]}


def test_a_split_index_is_judged_and_left_as_it_is(repo: Repo, seen: Path) -> None:
    repo.git("config", "core.splitIndex", "true")
    repo.git("update-index", "--split-index")
    told = commit(repo.stage({"b.py": "b\n"}), seen)
    assert told["entries"] == {"b.py": "A"}


def test_a_sparse_checkout_with_a_sparse_index_is_judged_whole(repo: Repo, seen: Path) -> None:
    repo.commit({"in/a.py": "a\n", "out/b.py": "b\n", "out/deep/c.py": "c\n"})
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    assert not (repo.path / "out").exists()
    told = commit(repo.stage({"in/a.py": "changed\n"}), seen)
    assert told["entries"] == {"in/a.py": "M"}


def test_environment_of_a_hook_is_left_to_git(repo: Repo, seen: Path) -> None:
    told = commit(repo.write({"a.py": "x\n"}), seen, "--", "a.py")
    assert os.path.basename(told["index"]).startswith("next-index-")  # noqa: PTH119 - relative or absolute, as git likes
