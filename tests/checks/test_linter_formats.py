"""Output of linters in each format; the samples come from the real tools."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.checks.all import all_change_checks, all_checks
from ralph_hooks.checks.linter_formats import UnreadableError, read
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.linter import RESERVED, Linter, LinterFormat, LinterRun

ROOT = "/tmp/ralph-hooks-scratch-x/project"
TSC = b"a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\n"
GO_VET = b'a.go:5:27: fmt.Printf format %d has arg "a" of wrong type string\n'
CARGO = b"src/main.rs:1:26: error[E0308]: mismatched types: expected `i32`, found `&str`\n"
MYPY = b'a.py:3: error: Name "x" is not defined  [name-defined]\na.py:3: note: Did you mean y?\n'
SHELLCHECK = b"-:2:6: warning: x\na.sh:2:6: note: Double quote to prevent globbing and word splitting. [SC2086]\n"
STATICCHECK = b"a.go:4:2: this value of err is never used (SA4006)\n"
ACTIONLINT = b'.github/workflows/a.yml:3:5: unexpected key "branch" for "push" section [syntax-check]\n'
GITHUB = b"::error title=lint/style/useConst,file=a.ts,line=3,endLine=3,col=1::This let is 100%25 const%2C use it.\n"
PYRIGHT = json.dumps(
    {
        "version": "1.1.400",
        "generalDiagnostics": [
            {
                "file": f"{ROOT}/a.py",
                "severity": "error",
                "message": '"x" is not defined',
                "range": {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 1}},
                "rule": "reportUndefinedVariable",
            }
        ],
        "summary": {"errorCount": 1},
    }
).encode()


def eslint(**result: object) -> bytes:
    """The report of @microsoft/eslint-formatter-sarif, behind what npm prints first."""
    place = {"artifactLocation": {"uri": f"file://{ROOT}/two%20words.js", "index": 0}, "region": {"startLine": 2}}
    shown = {"message": {"text": "'u' is not defined."}, "locations": [{"physicalLocation": place}], "ruleIndex": 0}
    rules = [{"id": "no-undef", "defaultConfiguration": {"level": "error"}, "messageStrings": {"m": {"text": "of m"}}}]
    run = {"tool": {"driver": {"name": "ESLint", "rules": rules}}, "results": [{**shown, **result}]}
    return b"> pkg@1.0.0 lint\n> eslint\n\n" + json.dumps({"version": "2.1.0", "runs": [run]}, indent=1).encode()


@pytest.mark.parametrize(
    ("form", "output", "expected"),
    [
        ("sarif", eslint(), ("two words.js", 2, "no-undef", "error", "'u' is not defined.")),
        ("sarif", eslint(level="note"), ("two words.js", 2, "no-undef", "note", "'u' is not defined.")),
        ("sarif", eslint(ruleIndex=None, ruleId="x"), ("two words.js", 2, "x", "warning", "'u' is not defined.")),
        ("sarif", eslint(message={"id": "m"}), ("two words.js", 2, "no-undef", "error", "of m")),
        ("tsc", TSC, ("a.ts", 1, "TS2322", "error", "Type 'string' is not assignable to type 'number'.")),
        ("gcc", GO_VET, ("a.go", 5, "", "error", 'fmt.Printf format %d has arg "a" of wrong type string')),
        ("gcc", CARGO, ("src/main.rs", 1, "E0308", "error", "mismatched types: expected `i32`, found `&str`")),
        ("gcc", STATICCHECK, ("a.go", 4, "SA4006", "error", "this value of err is never used")),
        (
            "gcc",
            ACTIONLINT,
            (".github/workflows/a.yml", 3, "syntax-check", "error", 'unexpected key "branch" for "push" section'),
        ),
        ("mypy", MYPY, ("a.py", 3, "name-defined", "error", 'Name "x" is not defined')),
        ("mypy", b"\x1b[1ma.py\x1b[0m:3: error: no code\n", ("a.py", 3, "", "error", "no code")),
        ("pyright", PYRIGHT, ("a.py", 3, "reportUndefinedVariable", "error", '"x" is not defined')),
        ("github", GITHUB, ("a.ts", 3, "lint/style/useConst", "error", "This let is 100% const, use it.")),
    ],
)
def test_each_format_is_read(form: str, output: bytes, expected: tuple[str, int, str, str, str]) -> None:
    [found] = read(LinterFormat(form), LinterRun(output=output, code=1, root=ROOT)).diagnostics
    assert (found.path, found.line, found.rule, found.severity.value, found.message) == expected


def test_a_severity_of_its_own_is_kept() -> None:
    found = read(LinterFormat.GCC, LinterRun(output=SHELLCHECK, code=1, root=ROOT)).diagnostics
    assert [(item.path, item.severity, item.rule) for item in found] == [
        ("-", Severity.WARNING, ""),
        ("a.sh", Severity.NOTE, "SC2086"),
    ]


@pytest.mark.parametrize("result", [{"suppressions": [{"kind": "inSource"}]}, {"kind": "pass"}, {"locations": None}])
def test_results_that_are_none_are_left_out(result: dict[str, object]) -> None:
    assert read(LinterFormat.SARIF, LinterRun(output=eslint(**result), code=0, root=ROOT)).diagnostics == ()


@pytest.mark.parametrize(
    "output",
    [b"", b"{", b"[]", b'{"runs": 1}', b'{"runs": [{"results": [1]}]}', b'{"runs":' + b"[" * 100_000, b"\xff{"],
)
def test_what_is_no_sarif_is_unreadable(output: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(LinterFormat.SARIF, LinterRun(output=output, code=0, root=ROOT))


@pytest.mark.parametrize("form", [LinterFormat.GCC, LinterFormat.MYPY, LinterFormat.TSC, LinterFormat.GITHUB])
@pytest.mark.parametrize("unit", [b":1", b"a:1: error: ", b"(1,1): error TS1: ", b"::error file=,", b"x" * 9, b"\n"])
def test_hostile_lines_take_no_longer_than_others(form: LinterFormat, unit: bytes) -> None:
    """With an expression that goes back and tries again this does not end."""
    output = unit * (400_000 // len(unit))
    assert len(read(form, LinterRun(output=output, code=1, root=ROOT)).diagnostics) <= len(output)


def test_the_folder_of_the_copy_is_not_part_of_a_message() -> None:
    output = f"{ROOT}/a.c:1:2: error: see {ROOT}/b.c:3 [E1]\n".encode()
    [found] = read(LinterFormat.GCC, LinterRun(output=output, code=1, root=ROOT)).diagnostics
    assert (found.path, found.message) == ("a.c", "see b.c:3")


def test_many_files_go_to_several_command_lines() -> None:
    linter = Linter("a", "lint {files} | cat")
    paths = [f"{number:05}{'x' * 95}" for number in range(2_000)]
    lines = linter.lines(paths)
    assert len(lines) > 1
    assert all(len(line) < 128 * 1024 for line in lines)
    assert [word for line in lines for word in line.split()[1:-2]] == paths


def test_no_linter_may_have_the_name_of_a_check() -> None:
    names = {check.name for checks in (all_checks(), all_change_checks("note")) for check in checks}
    assert names <= set(RESERVED)
