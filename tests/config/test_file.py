"""Configuration files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralph_hooks.config import load
from ralph_hooks.errors import ConfigError
from tests.support.configuration import BUILT_IN


@pytest.mark.parametrize(
    ("content", "problem", "hint"),
    [
        (b"a = ", "not valid TOML: Invalid value (at end of document)", "correct this line"),
        (b"a = 1\nb == 2\n", "not valid TOML: Invalid value (at line 2, column 4)", "correct this line"),
        (b"a = 1\na = 2\n", "not valid TOML: Cannot overwrite a value (at line 2, column 6)", "correct this line"),
        (b"[a]\n[a]\n", "not valid TOML: Cannot declare ('a',) twice (at line 2, column 3)", "correct this line"),
        (b"a = " + b"[" * 5000, "not valid TOML: TOML inline arrays/tables are nested more than", "correct this line"),
        (b"a = " + b"9" * 5000, "not valid TOML: Exceeds the limit (4300 digits)", "correct this line"),
        (b"\xef\xbb\xbfa = 1\n", "begins with a byte order mark, which TOML does not allow", "save it without"),
        (b"a = '\xff'\n", "expected UTF-8, got an invalid byte at offset 5", "save the file as UTF-8"),
        (b"tool = 1\n", "tool: expected a table, got 1", ""),
        (b"[tool]\nralph-hooks = 'x'\n", "tool.ralph-hooks: expected a table, got a string", ""),
        (b"[[tool.ralph-hooks]]\n", "tool.ralph-hooks: expected a table, got a list", ""),
        (b"[tool.ralph_hooks]\n", "tool.ralph_hooks: unknown table", "write [tool.ralph-hooks]"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, content: bytes, problem: str, hint: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, None, BUILT_IN)
    assert caught.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: {problem}")
    assert hint in caught.value.hint


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, None, BUILT_IN)
    assert caught.value.message.startswith(f"{tmp_path / 'pyproject.toml'}: cannot be read: ")
    assert caught.value.hint == "make it a readable file"


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions here")
def test_the_users_own_file_is_not_for_everybody_to_write(tmp_path: Path) -> None:
    """It says where keys are sent, and nobody is asked for consent to it."""
    own = tmp_path / "config.toml"
    own.write_text("", encoding="utf-8")
    own.chmod(0o666)
    with pytest.raises(ConfigError, match="every user can write to it"):
        load(None, own, {})
    own.chmod(0o664)
    load(None, own, {})
    if os.geteuid() == 0:  # nobody else can give a file away
        os.chown(own, 65534, -1)
        with pytest.raises(ConfigError, match="it belongs to another user"):
            load(None, own, {})
