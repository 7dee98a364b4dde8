"""Reproducers run in each language: which test fails, how, and which changed lines run."""

from __future__ import annotations

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
from tests.support.matrix import MORE
from tests.support.repo import Repo
from tests.support.toolchains import find_toolchains, install_package, need, need_typed_node


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


GUARD_TS = "  if (!items.length) return null;\n"
SHOP_TS = f"""\
export interface Item {{
  name: string;
}}

export function first(items: Item[]): string | null {{
{GUARD_TS}  return items[0].name;
}}
"""
SCRIPT_CRASH = """\
import { first } from './shop';
test('other', () => {});
test('none', () => { expect(first([])).toBe(null); });
"""
SCRIPT_ASSERTS = "import { first } from './shop';\ntest('none', () => { expect(first([{ name: '1' }])).toBe('2'); });\n"
SCRIPT_BROKEN = "import { last } from './none';\ntest('none', () => { last(); });\n"
GUARD_JAVA = "        if (items.length == 0) {\n            return 0;\n        }\n"
SHOP_JAVA = f"""\
package shop;

public class Shop {{
    public static int first(int[] items) {{
{GUARD_JAVA}        return items[0];
    }}
}}
"""
JAVA_TEST = """\
package shop;

import static org.junit.Assert.assertEquals;
import org.junit.Test;

public class RalphReproducerTest {
    @Test
    public void none() {
        BODY
    }
}
"""
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>shop</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>junit</groupId>
      <artifactId>junit</artifactId>
      <version>4.13.2</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
"""


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
    "node-types": Case(
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.ts';\ntest('other', () => {});\n"
        "test('none', () => { assert.equal(first([]), null); });\n",
        asserts="import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { first } from './shop.ts';\ntest('none', () => { assert.equal(first([{ name: '1' }]), '2'); });\n",
        broken="import test from 'node:test';\nimport { last } from './shop.ts';\ntest('none', () => { last(); });\n",
    ),
    "vitest": Case(
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash="import { expect, test } from 'vitest';\n" + SCRIPT_CRASH,
        asserts="import { expect, test } from 'vitest';\n" + SCRIPT_ASSERTS,
        broken="import { test } from 'vitest';\n" + SCRIPT_BROKEN,
        more={"package.json": '{"type": "module", "devDependencies": {"vitest": "*"}}', ".gitignore": "node_modules\n"},
    ),
    "jest": Case(
        path="lib/shop.ts",
        base=SHOP_TS,
        guard=GUARD_TS,
        line=6,
        crash=SCRIPT_CRASH,
        asserts=SCRIPT_ASSERTS,
        broken=SCRIPT_BROKEN,
        more={
            "package.json": '{"devDependencies": {"jest": "*"}, "babel": {"presets": ["@babel/preset-typescript"], '
            '"plugins": ["@babel/plugin-transform-modules-commonjs"]}}',
            ".gitignore": "node_modules\n",
        },
    ),
    "maven": Case(
        path="src/main/java/shop/Shop.java",
        base=SHOP_JAVA,
        guard=GUARD_JAVA,
        line=5,
        crash=JAVA_TEST.replace("BODY", "assertEquals(0, Shop.first(new int[0]));"),
        asserts=JAVA_TEST.replace("BODY", "assertEquals(2, Shop.first(new int[] {1}));"),
        broken=JAVA_TEST.replace("BODY", "Shop.last();"),
        more={"pom.xml": POM},
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
    find_toolchains(monkeypatch)


PROGRAMS = {"node": "node", "go": "go", "rust": "cargo", "maven": "mvn"}


def prepared(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[GitProver, str, str, Case]:
    """The prover for the staged change, the trees of both sides."""
    case = CASES[language]
    repo = Repo.create(tmp_path / "shop")
    if language == "node-types":
        need_typed_node(monkeypatch)
    elif language in PROGRAMS:
        need(PROGRAMS[language])
    else:
        install_package(language, repo.path)
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


LANGUAGES = [
    name if name in {"node", "node-types", "go"} else pytest.param(name, marks=MORE)  # compilers take seconds
    for name in CASES
]


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
