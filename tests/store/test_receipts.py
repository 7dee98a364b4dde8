from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Receipt, Verdict
from ralph_hooks.store.receipts import StoredReceipts
from ralph_hooks.store.sqlite import Database, RepositoryId
from tests.support.store import Clock

HERE = RepositoryId("here", "here")
YEAR = 366 * 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


def receipts(database: Database, clock: Clock) -> StoredReceipts:
    return StoredReceipts(database, HERE, clock=clock)


def receipt(tree: str, base: str, *commits: str, **changes: object) -> Receipt:
    plain = Receipt(
        tree=tree,
        base=base,
        settings="s",
        command="gate",
        verdict=Verdict.PASS,
        commits=commits,
    )
    return msgspec.structs.replace(plain, **changes)


def test_what_was_added_comes_back_with_its_time(state: Path, clock: Clock) -> None:
    kept = receipt("t1", "t0", models=("a/b", "c/d"), cost_usd=None)
    with Database(state) as database:
        receipts(database, clock).add(kept)
    with Database(state) as database:
        found = receipts(database, clock).of([Commit("c1", "t1", "t0")])
    assert [(judged.receipt, judged.together) for judged in found["c1"]] == [
        (msgspec.structs.replace(kept, at=clock.now), 0)
    ]


def test_a_commit_has_passed_with_the_same_settings_alone(state: Path, clock: Clock) -> None:
    commits = [Commit("c1", "t1", "t0"), Commit("c2", "t2", "t1"), Commit("c3", "t3", "t2"), Commit("c4", "t4", "t3")]
    with Database(state) as database:
        kept = receipts(database, clock)
        kept.add(receipt("t1", "t0"))
        kept.add(receipt("t2", "t1", settings="other"))
        kept.add(receipt("t3", "t2", verdict=Verdict.FAIL))
        kept.add(receipt("t4", "elsewhere"))
    with Database(state) as database:
        assert receipts(database, clock).passed("s", commits) == {"c1"}


def test_steps_that_led_to_a_commit_are_followed_and_circles_are_left(state: Path, clock: Clock) -> None:
    with Database(state) as database:
        kept = receipts(database, clock)
        for tree, base in (("t3", "t2"), ("t2", "t1"), ("t1", "t0"), ("t1", "t3")):
            kept.add(receipt(tree, base))
    with Database(state) as database:
        kept = receipts(database, clock)
        assert kept.passed("s", [Commit("c", "t3", "t0")]) == {"c"}
        assert kept.passed("s", [Commit("c", "t0", "t3")]) == frozenset()
        assert [judged.receipt.base for judged in kept.of([Commit("c", "t3", "t0")])["c"]] == ["t2"]


def test_commits_that_were_judged_together_are_found_by_their_ids(state: Path, clock: Clock) -> None:
    with Database(state) as database:
        receipts(database, clock).add(receipt("t2", "t0", "c1", "c2"))
        kept = receipts(database, clock)
        assert kept.passed("s", [Commit("c1", "t1", "t0"), Commit("c3", "t3", "t2")]) == {"c1"}
        assert [judged.together for judged in kept.of([Commit("c1", "t1", "t0")])["c1"]] == [2]


def test_an_empty_commit_needs_no_receipt(state: Path, clock: Clock) -> None:
    with Database(state) as database:
        assert receipts(database, clock).passed("s", [Commit("c", "t", "t")]) == {"c"}


def test_receipts_go_after_a_year(state: Path, clock: Clock) -> None:
    commits = [Commit("c1", "t1", "t0"), Commit("c2", "t2", "t1")]
    with Database(state) as database:
        kept = receipts(database, clock)
        kept.add(receipt("t1", "t0", "c1"))
        clock.now += YEAR + 1
        kept.add(receipt("t2", "t1", "c2"))
        assert kept.passed("s", commits) == {"c2"}
        assert database.query("SELECT oid FROM receipt_commits") == [("c2",)]


def test_a_state_that_cannot_be_used_knows_nothing_and_says_so(state: Path, clock: Clock) -> None:
    state.mkdir(parents=True)
    (state / "state.db").mkdir()
    with Database(state) as database:
        kept = receipts(database, clock)
        kept.add(receipt("t1", "t0", "c1"))
        assert kept.passed("s", [Commit("c1", "t1", "t0")]) == frozenset()
        assert len(database.troubles) == 2
