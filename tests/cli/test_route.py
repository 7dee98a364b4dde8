"""What would run, on which model, why and at about what cost; nothing is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.routes import Routes


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    return Routes(tmp_path)


def test_each_phase_has_its_model_and_the_rule_that_chose_it(routes: Routes) -> None:
    pay, docs, readme, notes = (routes.run(path) for path in ("pay.py", "docs/a.md", "README.md", "notes/x"))
    assert "implement  anthropic/claude-opus-4-5" in pay
    assert "analyze    openrouter/deepseek/deepseek-v4-flash" in pay
    assert "implement  anthropic/claude-haiku-4-5\n  fix        openrouter/deepseek/deepseek-v4-flash\n  why" in docs
    assert 'repair     documentation, and fix.boilerplate is "cheap"' in readme
    assert "left out: skipped by routes[1] (notes/**), the last rule that matches" in notes


def test_nothing_staged_says_so(routes: Routes) -> None:
    assert routes.run().startswith("Nothing is staged")
