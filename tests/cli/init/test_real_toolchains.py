"""What `init` proposes for a project runs its tests with the real tools, and tells a bug from a clean change."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ralph_hooks.cli.init.suites import find_suites
from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.matrix import MORE
from tests.support.repo import Repo

NODE = {
    "package.json": '{"name": "x", "scripts": {"test": "node --test"}}',
    "sum.js": "exports.sum = (a, b) => a + b;\nexports.old = () => 1;\n",
    "sum.test.js": (
        "const {test} = require('node:test');\nconst assert = require('node:assert');\n"
        "const {sum, old} = require('./sum.js');\n"
        "test('adds', () => assert.strictEqual(sum(1, 2), 3));\ntest('old', () => assert.strictEqual(old(), 2));\n"
    ),
}
GO = {
    "go.mod": "module example.com/x\n\ngo 1.21\n",
    "sum.go": "package x\n\nfunc Sum(a, b int) int { return a + b }\n",
    "sum_test.go": (
        'package x\n\nimport "testing"\n\n'
        "func TestSum(t *testing.T) {\n\tif Sum(1, 2) != 3 {\n\t\tt.Fatal(Sum(1, 2))\n\t}\n}\n"
    ),
}
RUST = {
    "Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "x"\nversion = "0.1.0"\n',
    "src/lib.rs": (
        "pub fn sum(a: i32, b: i32) -> i32 {\n    a + b\n}\n\n#[test]\nfn adds() {\n    assert_eq!(sum(1, 2), 3);\n}\n"
    ),
}
C = {
    "CMakeLists.txt": (
        "cmake_minimum_required(VERSION 3.21)\nproject(x C)\nenable_testing()\nadd_executable(t t.c)\n"
        "add_test(NAME adds COMMAND t 1)\nadd_test(NAME old COMMAND t 0)\n"
    ),
    "sum.h": "static int sum(int a, int b) { return a + b; }\n",
    "t.c": "#include \"sum.h\"\nint main(int n, char **v) { return !(v[1][0] == '1' && sum(1, 2) == 3); }\n",
}
CASES = [
    pytest.param("node", NODE, {"sum.js": NODE["sum.js"].replace("a + b", "a - b")}, ("test::adds",), ("test::old",)),
    pytest.param("go", GO, {"sum.go": GO["sum.go"].replace("a + b", "a - b")}, (), ()),
    pytest.param("cargo", RUST, {"src/lib.rs": RUST["src/lib.rs"].replace("a + b", "a - b")}, (), (), marks=MORE),
    pytest.param(
        "ctest", C, {"sum.h": C["sum.h"].replace("a + b", "a - b")}, ("adds::adds",), ("old::old",), marks=MORE
    ),
]


def run(repo: Repo) -> Verification:
    opened = open_repository(repo.path)
    change = staged(opened).change
    commands = [Command(suite.line, suite.cwd, (), suite.junit) for suite in find_suites(repo.path).suites]
    [outcome] = CommandVerifier(opened, change, timeout=300).run(
        change.tree, change.base, commands, Deadline(300, time.monotonic)
    )
    return outcome


@pytest.mark.parametrize(("program", "files", "bug", "new", "known"), CASES, ids=["node", "go", "rust", "c"])
def test_a_bug_fails_and_a_clean_change_passes(
    tmp_path: Path,
    program: str,
    files: dict[str, str],
    bug: dict[str, str],
    new: tuple[str, ...],
    known: tuple[str, ...],
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    repo = Repo.create(tmp_path / "repo", home=tmp_path)
    repo.commit(files)
    clean = run(repo.stage({"README.md": "x\n"}))
    assert (clean.verdict, clean.new_failures, clean.known_failures) == (Verdict.PASS, (), known), clean.tail
    wrong = run(repo.stage(bug))
    assert (wrong.verdict, wrong.new_failures, wrong.fails_on_base) == (Verdict.FAIL, new, False), wrong.tail
