"""ruff blocks on what is certainly wrong and new, and hands the rest on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ralph_hooks.checks.ruff import Ruff
from ralph_hooks.errors import RalphError
from tests.support.sources import findings, run, source


def found(path: str, new: str | bytes, old: str | bytes | None = None) -> list[tuple[int, str]]:
    return [(finding.line, finding.category) for finding in findings(Ruff(), path, new, old)]


def test_an_undefined_name_blocks_with_its_line() -> None:
    (finding,) = findings(Ruff(), "a.py", "import os\n\n\ndef f():\n    return oss.path\n")
    assert finding.category == "F821"
    assert (finding.line, finding.quote, finding.context) == (5, "return oss.path", "    return oss.path")
    assert (finding.blocking, finding.confidence, finding.source) == (True, 1.0, "ruff")
    assert "`oss`" in finding.message


@pytest.mark.parametrize(
    "code",
    [
        "import os\n",
        "from x import *\nprint(y)\n",
        'print(f"a")\n',
        "def f():\n    a = 1\n",
        "print(_('translated'), reveal_type)\n",
        "x = undefined  # noqa: F821\n",
        "def f(x: Later) -> None: ...\n\n\nclass Later: ...\n",
        "print(PythonFinalizationError)\n",
        "type Pair[T] = tuple[T, T]\nprint(f'{'nested'}', t'{1}')\nmatch 1:\n    case 1: ...\n",
    ],
)
def test_matters_of_taste_and_newer_pythons_do_not_block(code: str) -> None:
    assert found("a.py", code) == []


def test_only_what_is_new_counts_wherever_its_line_has_moved() -> None:
    assert found("a.py", "# new\n\nx = undefined\n", "x = undefined\n") == []
    assert found("a.py", "x = undefined\ny = 1\nx = undefined\n", "x = undefined\n") == [(3, "F821")]


def test_a_line_that_the_change_breaks_from_afar_counts() -> None:
    assert found("a.py", "print(os.name)\n", "import os\nprint(os.name)\n") == [(1, "F821")]


@pytest.mark.parametrize("code", ["def f(:\n    pass\nprint 'x'\n", "x = (\n", "  x = 1\n y = 2\n", "x = 'a\0b\n"])
def test_broken_syntax_is_one_finding(code: str) -> None:
    (finding,) = findings(Ruff(), "a.py", code + "print(undefined)\n")
    assert finding.category == "syntax"


def test_a_file_that_was_broken_in_the_same_way_does_not_count() -> None:
    assert found("a.py", "print 'x'\ny = 1\n", "print 'x'\n") == []
    assert found("a.py", "print 'x'\nprint 'y'\n", "print 'x'\n") == [(2, "syntax")]


def test_mending_the_syntax_does_not_bring_up_old_errors() -> None:
    assert found("a.py", "x = undefined\nprint('x')\n", "x = undefined\nprint 'x'\n") == []
    assert found("a.py", "x = undefined\nprint(y)\n", "x = undefined\nprint 'x'\n") == [(2, "F821")]


def test_suspicions_on_added_lines_are_hints() -> None:
    old = "def f(a=[]):\n    return a\n"
    result = run(Ruff(), source("a.py", old + "\n\ndef g(b={}):\n    return b\n", old))["a.py"]
    assert result.findings == ()
    assert [(hint.line, hint.text.split(maxsplit=1)[0]) for hint in result.hints] == [(5, "B006")]


def test_all_files_are_judged_in_one_go_each_by_itself() -> None:
    results = run(
        Ruff(),
        source("a/__init__.py", "from a.b import c\n"),
        source("bin/tool", "#!/usr/bin/env python3\nprint(undefined)\n"),
        source("Makefile", "all:\n\tpython -c x\n"),
        source("b.pyi", "def f(x: int = ...) -> str: ...\n"),
        source("n.ipynb", "{}"),
        source("gone.py", None, "x = undefined\n"),
        source("-l\n\udc80.py", "print(undefined)\n"),
    )
    blocked = {path: [finding.line for finding in result.findings] for path, result in results.items()}
    assert blocked == {"a/__init__.py": [], "bin/tool": [2], "Makefile": [], "b.pyi": [], "-l\n\udc80.py": [1]}


def test_an_encoding_cookie_is_honoured() -> None:
    assert found("a.py", b"# coding: latin-1\nx = '\xe9'\nprint(undefined)\n") == [(3, "F821")]
    assert found("a.py", b"x = '\xe9'\n") == []  # the syntax check says that


def test_the_repository_cannot_configure_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["F821"]\nexclude = ["*"]\n')
    (tmp_path / ".gitignore").write_text("*\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert found("a.py", "print(undefined)\n") == [(1, "F821")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "ruff.toml"]


def test_test_data_may_be_broken_on_purpose() -> None:
    assert found("tests/data/bad_syntax.py", "def f(:\n") == []


def test_secrets_are_in_no_field() -> None:
    password = "hunter" + "22x"
    code = f'connect(undefined, password="{password}")\nD = {{"password={password}": 1, "password={password}": 2}}\n'
    result = run(Ruff(), source("a.py", code))["a.py"]
    assert len(result.findings) == 3
    assert password not in repr(result)


def test_a_ruff_that_fails_is_an_error_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ruff"
    fake.write_text("#!/bin/sh\necho 'thread panicked' >&2\nexit 101\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(RalphError, match="exit code 101: thread panicked") as caught:
        run(Ruff(), source("a.py", "x = 1\n"))
    assert "reinstall" in caught.value.hint


def test_the_file_that_ruff_runs_out_of_stack_over_is_named() -> None:
    """A generated file may be one expression of a hundred thousand terms: that is no broken installation."""
    deep = source("gen/table.py", f"x = 1{'+1' * 100_000}\n")
    others = [source(f"m{number}.py", "x = 1\n") for number in range(5)]
    with pytest.raises(RalphError, match=r"ran out of stack on gen/table\.py: ") as caught:
        run(Ruff(), *others[:3], deep, *others[3:])
    assert "gate.exclude" in caught.value.hint


def test_the_version_follows_the_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    fake = tmp_path / "ruff"
    fake.write_text("one")
    first = Ruff().version
    os.utime(fake, ns=(1, 1))
    assert Ruff().version != first


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=8))
def test_no_bytes_break_it(files: list[bytes]) -> None:
    sources = [source(f"{index}.py", data) for index, data in enumerate(files)]
    for result in run(Ruff(), *sources).values():
        assert all(finding.line >= 1 for finding in result.findings)


def test_nesting_without_end_is_no_crash() -> None:
    assert found("a.py", "x = " + "(" * 5_000 + ")" * 5_000 + "\n") in ([], [(1, "syntax")])
