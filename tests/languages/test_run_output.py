"""Reports of test runners of other languages."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.core.proof import ProofOutcome
from ralph_hooks.languages.run_output import JUnitCase, read_cargo, read_go, read_jest, read_junit

TEST = "lib/shop.test.ts"


def jest(*cases: dict[str, object], message: str = "") -> bytes:
    return json.dumps({"testResults": [{"assertionResults": cases, "message": message}]}).encode()


def failed(stack: str) -> dict[str, object]:
    return {"fullName": "none", "status": "failed", "failureMessages": [stack]}


@pytest.mark.parametrize(
    ("stack", "kind", "own", "at"),
    [
        ("TypeError: no\n    at first (/top/lib/shop.ts:6:9)\n    at /top/lib/shop.test.ts:3:1", "TypeError", True,
         ("lib/shop.ts", 6)),
        ("TypeError: no\n    at map (/top/node_modules/x/i.js:1:1)\n    at first (file:///top/lib/shop.ts?v=1:6:9)",
         "TypeError", True, ("lib/shop.ts", 6)),
        ("AssertionError: no\n    at /top/lib/shop.test.ts:3:1\n    at first (/top/lib/shop.ts:6:9)", "AssertionError",
         False, ("", 0)),
        ("AssertionError [ERR_ASSERTION]: no\n    at first (/top/lib/shop.ts:6:9)", "AssertionError", False,
         ("lib/shop.ts", 6)),
        ("nothing", "failure", False, ("", 0)),
    ],
)  # fmt: skip
def test_jest_failure_belongs_to_the_innermost_file_of_the_project(
    stack: str, kind: str, at: tuple[str, int], *, own: bool
) -> None:
    (failure,) = read_jest(jest(failed(stack)), "", "/top/", TEST, 1.0).failures
    assert (failure.test, failure.kind, failure.own, failure.at) == ("none", kind, own, at)


@pytest.mark.parametrize(
    ("message", "foreign"),
    [
        ("Cannot find module './none' imported from /top/lib/shop.test.ts", False),
        ("Cannot find package 'lodash' imported from /top/lib/shop.ts", True),
        ("Cannot find module 'lodash' from 'lib/shop.ts'", True),
        ("SyntaxError: no", False),
        ("No test files found, exiting with code 1", True),
    ],
)
def test_script_that_does_not_load_is_told_from_a_project_that_does_not(message: str, *, foreign: bool) -> None:
    run = read_jest(jest(message=message), "", "/top/", TEST, 1.0)
    assert (run.outcome, run.foreign) == (ProofOutcome.NOT_LOADED, foreign)
    assert read_jest(b"{broken", message, "/top/", TEST, 1.0).foreign is foreign


JAVA_TEST = "src/test/java/shop/RalphReproducerTest.java"


def find(name: str) -> str | None:
    return {"shop/Shop.java": "src/main/java/shop/Shop.java", "shop/RalphReproducerTest.java": JAVA_TEST}.get(name)


@pytest.mark.parametrize(
    ("stack", "own"),
    [
        ("java.lang.X: no\n\tat java.base/java.util.List.get(L.java:9)\n\tat app//shop.Shop$In.a(Shop.java:6)", True),
        (("java.lang.X: no\n\tat org.junit.Assert.fail(Assert.java:9)\n\tat shop.RalphReproducerTest.none"
         "(RalphReproducerTest.java:9)\n\tat shop.Shop.rate(Shop.java:6)"), False),
        (("java.lang.X: no\n\tat shop.RalphReproducerTest.none(RalphReproducerTest.java:9)\nCaused by: java.lang.Y\n"
         "\tat shop.Shop.rate(Shop.java:6)"), False),
    ],
)  # fmt: skip
def test_java_failure_belongs_to_the_innermost_file_of_the_project(stack: str, *, own: bool) -> None:
    run = read_junit([JUnitCase("other"), JUnitCase("none", "java.lang.X", stack)], "", find, JAVA_TEST, 1.0)
    (failure,) = run.failures
    assert (run.passed, failure.kind, failure.own) == (("other",), "java.lang.X", own)
    assert failure.at == (("src/main/java/shop/Shop.java", 6) if own else ("", 0))


@pytest.mark.parametrize(
    ("output", "foreign"),
    [
        (
            "[ERROR] COMPILATION ERROR :\n/top/src/test/java/shop/RalphReproducerTest.java:[9,9] cannot find symbol",
            False,
        ),
        ("[ERROR] COMPILATION ERROR :\n/top/src/main/java/shop/Shop.java:[9,9] cannot find symbol", True),
        ("", False),
        ("[ERROR] Cannot access central in offline mode and the artifact org.x:y:jar:1 has not been downloaded", True),
    ],
)
def test_java_test_that_does_not_compile_is_told_from_a_project_that_does_not(output: str, *, foreign: bool) -> None:
    run = read_junit([], output, find, JAVA_TEST, 1.0)
    assert (run.outcome, run.foreign) == (ProofOutcome.NOT_LOADED, foreign)


@pytest.mark.parametrize(
    ("output", "foreign"),
    [
        ("a.go:3:8: no required module provides package example.com/x; to add it:\n", True),
        ("?   example.com/shop\t[no test files] a.go\n", False),
        ("./ralph_reproducer_test.go:3:8: undefined: Last\n", False),
        ("error: no matching package named `x` found\nlocation searched: registry `crates-io`\n", True),
        ("error: rustup could not choose a version of cargo to run, because one wasn't specified\n", True),
        ("error[E0432]: unresolved import `shop::last`\n --> tests/ralph_reproducer.rs:1:5\n", False),
    ],
)
def test_project_that_cannot_be_built_is_no_fault_of_the_test(output: str, *, foreign: bool) -> None:
    go, rust = "a/ralph_reproducer_test.go", "crate/tests/ralph_reproducer.rs"
    run = read_go(output, "/top/", go, 1.0) if ".go" in output else read_cargo(output, rust, 1.0)
    assert (run.outcome, run.foreign) == (ProofOutcome.NOT_LOADED, foreign)
