"""The `models:` map of a `.ralph/config.yml` is read as far as it is understood, and no further."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.config.phase_map import read_phase_map
from ralph_hooks.core.route import Phase
from ralph_hooks.errors import ConfigError


def read(folder: Path, text: str) -> dict[str, str]:
    path = folder / "config.yml"
    path.write_text(text, encoding="utf-8")
    return {phase.value: model for phase, model in read_phase_map(path).items()}


def test_one_line_a_phase(tmp_path: Path) -> None:
    text = """\
---
# which model does what
version: 1
models:   # by phase
  analyze: openrouter/deepseek-v4-flash

  verify: "minimax/minimax-m2.7"   # quoted
  'plan': 'google/gemini-3.1-flash-lite'
  # a comment
  implement: anthropic/claude-opus-4-5
  fix: ollama/qwen3-coder:30b
budget:
  analyze: not a model
"""
    assert read(tmp_path, text) == {
        "analyze": "openrouter/deepseek-v4-flash",
        "verify": "minimax/minimax-m2.7",
        "plan": "google/gemini-3.1-flash-lite",
        "implement": "anthropic/claude-opus-4-5",
        "fix": "ollama/qwen3-coder:30b",
    }


@pytest.mark.parametrize("text", ["", "budget: 3\n", "models:\n", "\ufeffmodels:\n"])
def test_nothing_is_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {analyze: a/b}\n", "line 1: expected a map of phases below `models:`"),
        ("models:\n  analyse: a/b\n", "line 2: unknown phase 'analyse'"),
        ("models:\n  analyze:\n    - a/b\n", "line 2: expected provider/model"),
        ("models:\n  analyze: [a/b, c/d]\n", "line 2: expected provider/model"),
        ("models:\n  analyze: flash\n", "line 2: expected provider/model, got 'flash'"),
        ("models:\n  analyze: &x a/b\n", "line 2: expected provider/model"),
        ("models:\n  analyze: a/b\n    verify: a/b\n", "line 3: expected a phase and its model"),
        ("models:\n  analyze: a/b\n  analyze: c/d\n", "line 3: analyze is listed twice"),
        ("models:\n\tanalyze: a/b\n", "line 2: expected a phase and its model"),
        ("models:\n  - analyze: a/b\n", "line 2: expected a phase and its model"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_bytes(b"models:\n  analyze: \xff\n")
    with pytest.raises(ConfigError, match="expected UTF-8"):
        read_phase_map(tmp_path / "config.yml")


def test_the_phases_are_ours(tmp_path: Path) -> None:
    text = "models:\n" + "".join(f"  {phase}: a/b\n" for phase in Phase)
    assert set(read(tmp_path, text)) == set(Phase)
