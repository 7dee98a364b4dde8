"""Reproducers run in each language: which test fails, how, and which changed lines run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.proof import Order, ProofOutcome, ProofRun, Run, TestFile
from ralph_hooks.engine.review import proof
from ralph_hooks.git.sandbox.prover import GitProver
from ralph_hooks.git.snapshot import open_repository, staged
from ralph_hooks.languages.runners import runner_for
from tests.support.matrix import MORE
from tests.support.repo import Repo
from tests.support.small_projects import CASES, Case
from tests.support.toolchains import find_toolchains, prepare

LANGUAGES = [
    name if name in {"node-types", "go"} else pytest.param(name, marks=MORE)  # compilers take seconds
    for name in CASES
]


@pytest.fixture(autouse=True)
def toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    find_toolchains(monkeypatch)


def prepared(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[GitProver, str, str, Case]:
    """The prover for the staged change, the trees of both sides."""
    case = CASES[language]
    repo = Repo.create(tmp_path / "shop")
    prepare(language, repo.path, monkeypatch)
    repo.commit({case.path: case.base, **case.more})
    repo.stage({case.path: case.base.replace(case.guard, "")})
    opened = open_repository(repo.path)
    change = staged(opened).change
    return GitProver(opened, change), change.tree, change.base, case


def run(prover: GitProver, tree: str, case: Case, text: str, *, lines: bool = True, only: str = "") -> Run:
    files = {case.path: case.base, **case.more}
    paths = set(files)
    runner = runner_for(case.path, files.get)
    assert runner is not None
    assert not prover.missing(runner.name, case.path)
    test = TestFile(path=runner.place(case.path, paths), text=text, language=runner.name, command="")
    trial = ProofRun(
        tree=tree,
        test=test,
        lines={case.path: (case.line,)} if lines else {},
        limit=20.0,
        order=Order.ALONE if only else Order.FORWARD,
        only=only,
    )
    return prover.run(trial, Deadline(240, time.monotonic))


@pytest.mark.parametrize("language", LANGUAGES)
def test_exception_of_the_project_is_told_from_an_assertion(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prover, change, base, case = prepared(language, tmp_path, monkeypatch)
    crashed = run(prover, change, case, case.crash)
    assert len(crashed.failures) == 1, crashed
    (failure,) = crashed.failures
    assert (crashed.outcome, failure.own, failure.at) == (ProofOutcome.FAILED, True, (case.path, case.line)), (
        crashed.tail
    )
    assert failure.reached == ((case.path, case.line),)
    alone = run(prover, change, case, case.crash, only=failure.test)
    before = run(prover, base, case, case.crash, lines=False)
    assert (before.outcome, failure.test in before.passed) == (ProofOutcome.PASSED, True), before.tail
    judged = proof.judge([crashed, alone], [before])
    assert (judged.exceptional, judged.differs) == (True, True)
    asserted = run(prover, change, case, case.asserts)
    (other,) = asserted.failures
    assert (asserted.outcome, other.own, other.reached) == (ProofOutcome.FAILED, False, ((case.path, case.line),))


@pytest.mark.parametrize("language", LANGUAGES)
def test_test_that_does_not_load_proves_nothing(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prover, change, _, case = prepared(language, tmp_path, monkeypatch)
    broken = run(prover, change, case, case.broken)
    assert (broken.outcome, broken.failures) == (ProofOutcome.NOT_LOADED, ())
    assert proof.judge([broken], []).reload


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_reproducer_fails_in_no_run_that_counts(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prover, change, _, case = prepared(language, tmp_path, monkeypatch)
    left = [run(prover, change, case, case.leftover) for _ in range(2)]
    assert [each.outcome for each in left] == [ProofOutcome.PASSED] * 2, left[-1].tail
    unreached = run(prover, change, case, case.unreached)
    assert [failure.reached for failure in unreached.failures] == [()], unreached.tail
    ordered = run(prover, change, case, case.ordered)
    (failure,) = ordered.failures
    alone = run(prover, change, case, case.ordered, only=failure.test)
    assert (alone.outcome, alone.passed) == (ProofOutcome.PASSED, (failure.test,)), alone.tail


PLUGIN = """\
import pathlib
pathlib.Path(__file__).with_name("loaded").touch()
import pytest
@pytest.fixture
def items():
    return []
"""


@pytest.mark.parametrize(("argument", "loaded"), [("", False), ("items", True)])
def test_plugins_are_loaded_only_for_a_test_that_needs_them(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, loaded: bool
) -> None:
    site = tmp_path / "site"
    (site / "some_plugin-1.dist-info").mkdir(parents=True)
    (site / "some_plugin.py").write_text(PLUGIN, encoding="utf-8")
    (site / "some_plugin-1.dist-info/METADATA").write_text("Name: some-plugin\nVersion: 1\n", encoding="utf-8")
    (site / "some_plugin-1.dist-info/entry_points.txt").write_text("[pytest11]\nsome = some_plugin\n", encoding="utf-8")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.setenv("PYTHONPATH", str(site))
    repo = Repo.create(tmp_path / "shop")
    repo.commit({"shop.py": "def first(items):\n    return items[0] if items else None\n"})
    repo.stage({"shop.py": "def first(items):\n    return items[0]\n"})
    opened = open_repository(repo.path)
    change = staged(opened).change
    text = f"from shop import first\ndef test_none({argument}):\n    assert first({argument or []}) is None\n"
    test = TestFile(path="test_it.py", text=text, language="python", command="")
    trial = ProofRun(tree=change.tree, test=test, lines={"shop.py": (2,)}, limit=60.0)
    done = GitProver(opened, change).run(trial, Deadline(240, time.monotonic))
    assert [failure.kind for failure in done.failures] == ["IndexError"], done
    assert (site / "loaded").exists() is loaded
