"""Reproducers run in each language: which test fails, how, and which changed lines run."""

from __future__ import annotations

import os
import pwd
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.proof import Order, ProofOutcome, ProofRun, Run, TestFile
from ralph_hooks.engine.review import proof
from ralph_hooks.git.sandbox.prover import GitProver
from ralph_hooks.git.snapshot import open_repository, staged
from ralph_hooks.languages.runners import runner_for
from tests.support.repo import Repo


class Case(Struct, frozen=True, kw_only=True):
    """A change that takes the guard of a function away, and tests of it."""

    path: str
    base: str
    guard: str
    line: int
    """The changed line that is left, of the change."""
    crash: str
    """Fails in the project's own code."""
    asserts: str
    """Fails by an assertion of the test, after a changed line has run."""
    broken: str
    """Does not load."""
    more: Mapping[str, str] = {}


CASES = {
    "node": Case(
        path="lib/shop.mjs",
        base="export function first(items) {\n  if (!items.length) return null;\n  return items[0].name;\n}\n",
        guard="  if (!items.length) return null;\n",
        line=2,
        crash="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.mjs';\ntest('other', () => {});\n"
        "test('none', () => { assert.equal(first([]), null); });\n",
        asserts="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.mjs';\ntest('none', () => { assert.equal(first([{ name: 1 }]), 2); });\n",
        broken="import test from 'node:test';\nimport { last } from './shop.mjs';\ntest('none', () => { last(); });\n",
    ),
    "go": Case(
        path="shop/shop.go",
        base="package shop\n\nfunc First(items []int) int {\n"
        "\tif len(items) == 0 {\n\t\treturn 0\n\t}\n\treturn items[0]\n}\n",
        guard="\tif len(items) == 0 {\n\t\treturn 0\n\t}\n",
        line=4,
        crash='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n'
        '\tif First(nil) != 0 {\n\t\tt.Fatal("no")\n\t}\n}\n',
        asserts='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n'
        '\tif First([]int{1}) != 2 {\n\t\tt.Fatal("no")\n\t}\n}\n',
        broken='package shop\n\nimport "testing"\n\nfunc TestNone(t *testing.T) {\n\tLast(nil)\n}\n',
        more={"go.mod": "module example.com/shop\n\ngo 1.21\n"},
    ),
    "rust": Case(
        path="src/lib.rs",
        base="pub fn first(items: &[i32]) -> i32 {\n"
        "    if items.is_empty() {\n        return 0;\n    }\n    items[0]\n}\n",
        guard="    if items.is_empty() {\n        return 0;\n    }\n",
        line=2,
        crash="use shop::first;\n\n#[test]\nfn none() {\n    assert_eq!(first(&[]), 0);\n}\n",
        asserts="use shop::first;\n\n#[test]\nfn none() {\n    assert_eq!(first(&[1]), 2);\n}\n",
        broken="use shop::last;\n\n#[test]\nfn none() {\n    last();\n}\n",
        more={"Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'},
    ),
}


@pytest.fixture(autouse=True)
def toolchains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own home folder has no toolchains: rustup and go look for theirs in the user's."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for name, folder in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("GOCACHE", ".cache/go-build")):
        monkeypatch.setenv(name, os.environ.get(name, str(home / folder)))


PROGRAMS = {"node": "node", "go": "go", "rust": "cargo"}


def prepared(language: str, tmp_path: Path) -> tuple[GitProver, str, str, Case]:
    """The prover for the staged change, the trees of both sides."""
    program = PROGRAMS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    case = CASES[language]
    repo = Repo.create(tmp_path / "shop")
    repo.commit({case.path: case.base, **case.more})
    repo.stage({case.path: case.base.replace(case.guard, "")})
    opened = open_repository(repo.path)
    change = staged(opened).change
    return GitProver(opened, change), change.tree, change.base, case


def run(prover: GitProver, tree: str, case: Case, text: str, *, lines: bool = True, only: str = "") -> Run:
    paths = {case.path, *case.more}
    runner = runner_for(case.path, paths)
    assert runner is not None
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


@pytest.mark.parametrize("language", CASES)
def test_exception_of_the_project_is_told_from_an_assertion(language: str, tmp_path: Path) -> None:
    prover, change, base, case = prepared(language, tmp_path)
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


@pytest.mark.parametrize("language", CASES)
def test_test_that_does_not_load_proves_nothing(language: str, tmp_path: Path) -> None:
    prover, change, _, case = prepared(language, tmp_path)
    broken = run(prover, change, case, case.broken)
    assert (broken.outcome, broken.failures) == (ProofOutcome.NOT_LOADED, ())
    assert proof.judge([broken], []).reload
