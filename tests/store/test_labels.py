"""Labels for nothing: what became of every finding, from a history whose truth is known."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ralph_hooks.core.backtest import interval
from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import DismissalKind, Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import CheckedFile, Report, Verdict
from ralph_hooks.core.stats import FindingOutcome, Statistics, statistics
from ralph_hooks.store.labels import StoredLabels, read
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from tests.support.postgres import PostgresServer
from tests.support.reports import finding, report
from tests.support.team import machine

COMMITS = 300
HERE = RepositoryId("here", "shop")
MODELS = ("a/cheap", "b/other")
CENT = Decimal("0.01")


class History:
    """Runs of the gate, one after the other, as a user with a keyboard would cause them."""

    def __init__(self, path: Path, database: Database | None = None) -> None:
        self.database = database or Database(path)
        self.time = 0.0
        self.labels = StoredLabels(self.database, HERE, shared=database is not None, clock=lambda: self.time)
        self.number = 0
        self.head = "tree-0"

    def new(self, **changes: object) -> Finding:
        self.number += 1
        return finding(anchor=str(self.number), **changes)

    def tree(self) -> str:
        self.number += 1
        return f"tree-{self.number}"

    def judge(self, tree: str, *found: Finding, dismissed: tuple[Dismissed, ...] = (), pushed: str = "") -> None:
        self.time += 60
        made: Report = report(
            Verdict.FAIL if any(each.blocking for each in found) else Verdict.PASS,
            findings=found,
            dismissed=dismissed,
            checked=(CheckedFile("shop/cart.py", ("ruff",)),),
            cost_usd=CENT,
        )
        change = Change(tree=tree, base=self.head, entries=(), title="staged change")
        self.labels.add(made, change, {pushed} if pushed else ())

    def commit(self, tree: str) -> None:
        self.head = tree

    def statistics(self) -> Statistics:
        found = read(State(self.database), since=0, until=float("inf"), repository=HERE)
        return statistics(found.labels, found.judgements, month=lambda _: "2026-11", scope="shop")

    def outcomes(self) -> list[str]:
        return [
            each.outcome for each in read(State(self.database), since=0, until=float("inf"), repository=None).labels
        ]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def excused(found: Finding, kind: DismissalKind = DismissalKind.FALSE_ALARM) -> tuple[Dismissed, ...]:
    return (Dismissed(finding=found, kind=kind, reason="so", by="Ada", in_change=False),)


def test_a_scripted_history_of_300_commits_is_counted_exactly(history: History) -> None:
    rng = random.Random(20261129)
    truth: Counter[tuple[str, str]] = Counter()
    false_blocks = held = runs = unclean = 0
    for _ in range(COMMITS):
        fate = rng.choice(["clean", "clean", "fixed", "dismissed", "accepted", "bypassed"])
        first = history.tree()
        source = rng.choice(MODELS)
        if fate == "clean":
            history.judge(first)
            runs += 1
        else:
            found = history.new(source=source)
            history.judge(first, found)
            history.judge(first, found)  # tried once more: one change all the same
            runs += 2
            held += 1
            unclean += fate != "dismissed"
            false_blocks += fate == "dismissed"
            truth[source, fate] += 1
            if fate == "fixed":
                first = history.tree()
                history.judge(first)
                runs += 1
            elif fate in {"dismissed", "accepted"}:
                kind = DismissalKind.ACCEPTED if fate == "accepted" else DismissalKind.FALSE_ALARM
                history.judge(first, dismissed=excused(found, kind))
                runs += 1
        history.commit(first)
    history.judge(history.tree())  # the next run sees what was committed all the same
    counted = history.statistics()
    assert (counted.changes, counted.held_back) == (COMMITS + 1, held)
    assert (counted.false_blocks, counted.clean) == (false_blocks, COMMITS + 1 - unclean)
    assert counted.false_block_rate == interval(false_blocks, counted.clean)
    assert counted.cost_usd == (runs + 1) * CENT
    for group in counted.by_source:
        fates = {fate: truth[group.name, fate] for fate in ("fixed", "accepted", "dismissed", "bypassed")}
        assert {fate: getattr(group, fate) for fate in fates} == fates
        true = fates["fixed"] + fates["accepted"]
        assert group.precision == interval(true, true + fates["dismissed"])
    assert (counted.whole.open, counted.whole.shown) == (0, sum(truth.values()))
    assert counted.cost_per_true_usd == counted.cost_usd / counted.whole.true


def test_a_finding_that_is_gone_without_a_change_of_the_code_is_not_fixed(history: History) -> None:
    tree = history.tree()
    history.judge(tree, history.new())
    history.judge(tree)
    assert history.outcomes() == [FindingOutcome.OPEN]


def test_what_the_push_gate_sees_in_a_commit_was_bypassed(history: History) -> None:
    tree = history.tree()
    history.judge(tree, history.new())
    history.head = "the remote's"
    history.judge("another", pushed=tree)
    assert history.outcomes() == [FindingOutcome.BYPASSED]


def test_a_dismissal_after_the_commit_corrects_the_label(history: History) -> None:
    found = history.new()
    tree = history.tree()
    history.judge(tree, found)
    history.commit(tree)
    history.judge(history.tree())
    assert history.outcomes() == [FindingOutcome.BYPASSED]
    history.labels.decide([found.fingerprint], DismissalKind.FALSE_ALARM)
    assert history.outcomes() == [FindingOutcome.DISMISSED]


def test_a_finding_that_is_shown_again_is_one_finding(history: History) -> None:
    found = history.new()
    tree = history.tree()
    history.judge(tree, found)
    history.commit(tree)
    later = history.tree()
    history.judge(later, msgspec.structs.replace(found, line=99))
    assert history.outcomes() == [FindingOutcome.OPEN]


def test_what_a_model_could_not_look_at_again_is_not_fixed(history: History) -> None:
    history.judge(history.tree(), history.new(path="elsewhere.py"))
    history.judge(history.tree())
    assert history.outcomes() == [FindingOutcome.OPEN]


def test_a_team_counts_the_outcomes_of_all_its_machines(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.database()
    found = finding(anchor="1", source="a/cheap")
    for name, kind in (("ann", DismissalKind.FALSE_ALARM), ("bob", DismissalKind.ACCEPTED)):
        with machine(tmp_path / name, url) as one:
            history = History(tmp_path / name, one.database)
            history.judge("tree-1", found)
            one.team.query("SELECT 1")  # as a review does, which asks for verdicts
        with machine(tmp_path / name, url) as one:
            History(tmp_path / name, one.database).labels.decide([found.fingerprint], kind)
            read(one.state, since=0, until=float("inf"), repository=None)
    with machine(tmp_path / "new", url) as one:
        outcomes = read(one.state, since=0, until=float("inf"), repository=HERE)
    assert outcomes.of_team
    assert sorted(each.outcome for each in outcomes.labels) == [FindingOutcome.ACCEPTED, FindingOutcome.DISMISSED]
    assert len(outcomes.judgements) == 2
