"""Changes that are read many at a time are those that git would give one by one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ralph_hooks.core.backtest import ChangeLabel, Example
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.review_rules import MAX_BYTES
from ralph_hooks.engine.backtest.prefetch import Prefetcher, change_of
from ralph_hooks.git.push import GitPush
from ralph_hooks.git.snapshot import GitSnapshot, Repository, compare, open_repository
from tests.support.repo import Repo

COMMITS = 34  # more than are read at once


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, list[Example]]:
    repo = Repo.create(tmp_path_factory.mktemp("held") / "shop")
    trees = []
    for number in range(COMMITS + 1):
        files: dict[str, str | bytes | None] = {"a.py": f"x = {number}\n"}
        if number == 3:
            files |= {"logo.png": b"\x89PNG\0\0", "big.csv": b"1,2\n" * (MAX_BYTES // 4 + 1)}
        repo.commit(files)
        trees.append(repo.git("rev-parse", "HEAD^{tree}"))
    repository = open_repository(repo.path)
    examples = []
    for number, (base, tree) in enumerate(pairwise(trees)):
        change = compare(repository, base, tree, "").change
        examples.append(Example(id=f"{number}", label=ChangeLabel.CLEAN, tree=tree, base=base, entries=change.entries))
    return repository, examples


@pytest.mark.parametrize("order", [8, -8])
def test_every_change_is_as_git_gives_it_in_whatever_order(
    history: tuple[Repository, list[Example]], order: int
) -> None:
    repository, examples = history
    shelf = Prefetcher(GitPush(repository, "", ()), examples)
    for example in examples[::order]:
        alone = GitSnapshot(repository, change_of(example))
        held = shelf.take(example)
        assert held.change == alone.change
        assert held.sizes(example.entries) == alone.sizes(example.entries)
        code = [entry for entry in example.entries if entry.path == "a.py"]
        assert held.contents(code) == alone.contents(code)
        assert held.hunks(code) == alone.hunks(code)


def test_what_nobody_reads_is_not_read_and_what_is_no_text_has_no_lines(
    history: tuple[Repository, list[Example]],
) -> None:
    repository, examples = history
    shown: list[Source] = []
    held = Prefetcher(GitPush(repository, "", ()), examples, shown.extend).take(examples[2])
    entries = {entry.path: entry for entry in examples[2].entries}
    assert set(entries) == {"a.py", "big.csv", "logo.png"}
    assert held.contents([entries["big.csv"]]) == {}
    assert held.contents([entries["logo.png"]])["logo.png"].new == b"\x89PNG\0\0"
    assert held.hunks([entries["logo.png"]]) == {"logo.png": ()}
    assert {source.path for source in shown} == {"a.py"}
    assert len(shown) > 1
