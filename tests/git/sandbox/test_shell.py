"""A command line fails when any part of it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ralph_hooks.git.sandbox.shell import NO_PIPEFAIL, arguments, chained

FAIL = [
    "true && false", "false && true", "false; true", "false\ntrue", "false && true; true", "false | true",
    "true | false | true", "cd nowhere; true", "x=$(false); true", "(false; true)", "(false && true); true",
    "for i in 1 2; do test $i = 3; done", "if true; then false; fi; true", "true && no-such-program", "exit 3",
    "{ false; true; }", "! true; true", 'test "a;b" = c; true',
]  # fmt: skip
PASS = [
    "true && true", "true; true", "false || true", "true | true", "cd . && VAR=1 sh -c 'test $VAR = 1'",
    "if false; then false; fi", "! false", "for i in 1 2; do true; done; true", "echo 'a;b && false' # ; false",
    "true;", "true\n", 'test "a;b" = "a;b"; true', "echo a 2>&1 >/dev/null; true",
]  # fmt: skip


def status(line: str, environ: dict[str, str]) -> int:
    args, _ = arguments(line, environ)
    return subprocess.run(args, env=environ, capture_output=True, check=False).returncode


@pytest.mark.parametrize("line", FAIL)
def test_any_part_that_fails_fails_the_line(line: str) -> None:
    assert status(line, dict(os.environ)) != 0


@pytest.mark.parametrize("line", PASS)
def test_a_line_whose_parts_succeed_passes(line: str) -> None:
    assert status(line, dict(os.environ)) == 0


def test_without_bash_sh_runs_it_and_a_pipe_is_told(tmp_path: Path) -> None:
    for program in ("cat", "test"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    environ = {"PATH": str(tmp_path)}
    assert arguments("true", environ)[0][0] == "/bin/sh"
    assert [status(line, environ) != 0 for line in ("false; true", "false && true; true", "true && true")] == [
        True,
        True,
        False,
    ]
    assert arguments("cat x | cat", environ)[1] == NO_PIPEFAIL
    assert arguments("cat x || cat y", environ)[1] == ""


@pytest.mark.parametrize(
    ("line", "joined"),
    [
        ("a; b", "a && b"),
        ("cd x\nb 'c; d'", "cd x && b 'c; d'"),
        ('a "$X;" ; b', 'a "$X;" && b'),
        ("a || b; c", "a || b; c"),
        ("if a; then b; fi; c", "if a; then b; fi; c"),
        ("set +e; a; b", "set +e; a; b"),
        ("a & b", "a & b"),
    ],
)
def test_simple_commands_alone_are_joined(line: str, joined: str) -> None:
    assert chained(line) == joined
