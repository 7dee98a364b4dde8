"""Settings as they are used: routes and commands."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.core.command import Command
from ralph_hooks.core.route import Phase
from tests.support.configuration import load_texts, names, served

ROUTES = """
[tool.ralph-hooks]
cheap = "deepseek/chat"
expensive = "anthropic/opus"
[[tool.ralph-hooks.routes]]
paths = ["vendor/**"]
skip = true
[[tool.ralph-hooks.routes]]
paths = ["vendor/ours/**"]
[[tool.ralph-hooks.routes]]
paths = ["*.sql"]
models.implement = ["openai/a", "openai/b"]
"""


def test_the_last_rule_that_matches_decides(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, ROUTES)
    skipped, back = settings.route("vendor/x.py"), settings.route("vendor/ours/x.py")
    assert (skipped.skip, skipped.reason) == (True, "routes[0] (vendor/**), the last rule that matches")
    assert (back.skip, back.reason) == (False, "routes[1] (vendor/ours/**), the last rule that matches")
    assert names(back.chain(Phase.ANALYZE)) == ["deepseek/chat"]


def test_a_rule_changes_only_the_phases_it_names(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, ROUTES)
    assert served(settings, "vendor/x.sql")["implement"] == ["openai/a", "openai/b"]
    assert served(settings, "vendor/x.sql")["analyze"] == ["deepseek/chat"]
    assert served(settings)["implement"] == ["anthropic/opus"]
    assert settings.route("a.py").reason == "the models for every path without a rule"


def test_a_route_is_found_once(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, ROUTES)
    assert settings.route("a/b.sql") is settings.route("a/b.sql")


def test_commands_have_three_forms(tmp_path: Path) -> None:
    written = (
        "commands = ['a && b', ['c', 'd e'], {run = ['f'], cwd = 'web/', paths = ['web/**'], junit = 'out/*.xml'}]"
    )
    settings = load_texts(tmp_path, f"[tool.ralph-hooks.verify]\n{written}\n")
    assert settings.verify.command_list == (
        Command("a && b"),
        Command(("c", "d e")),
        Command(("f",), "web", ("web/**",), ("out/*.xml",)),
    )
