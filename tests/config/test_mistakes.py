"""All mistakes of a configuration are told at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralph_hooks.errors import ConfigError
from tests.support.configuration import SECONDS, load_texts


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, "[tool.ralph-hooks]\nchaep = 'a/b'\n[tool.ralph-hooks.gate]\nconfirm = 1\ndeadline = 0\n")
    path = tmp_path / "pyproject.toml"
    assert caught.value.message.splitlines() == [
        "3 mistakes in the configuration:",
        f'  {path}: tool.ralph-hooks.chaep: unknown key (did you mean "cheap"?)',
        f"  {path}: tool.ralph-hooks.gate.confirm: expected true or false, got 1",
        f"  {path}: tool.ralph-hooks.gate.deadline: {SECONDS}, got 0",
    ]
    assert caught.value.hint == ""


def test_mistakes_beyond_a_types_reach_are_told_at_once_for_both_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(
            tmp_path, "[tool.ralph-hooks]\ncheap = 'opnai/a'\n", "expensive = 'opus'\n[verify]\ncommands = [' ']\n"
        )
    lines = caught.value.message.splitlines()
    assert lines[0] == "3 mistakes in the configuration:"
    assert [line.split(": ")[0].rpartition(os.sep)[2] for line in lines[1:]] == ["config.toml"] * 2 + ["pyproject.toml"]


def test_a_flood_of_mistakes_is_cut_and_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, user="".join(f"zz{number} = 1\n" for number in range(50)))
    lines = caught.value.message.splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("50 mistakes in the configuration:", 22, "  and 30 more")
