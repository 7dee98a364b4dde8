"""A name or module that a change takes away while other files import it blocks; doubt never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.checks.imports import Imports
from ralph_hooks.git.snapshot import commit, open_repository
from tests.support.imports import EMPTY, SHOP, findings
from tests.support.patience import PATIENCE
from tests.support.repo import Repo, isolate
from tests.support.sources import source


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    return Repo.create(tmp_path / "repo")


def test_a_name_that_is_gone_is_shown_with_its_importers(repo: Repo) -> None:
    base = SHOP | {"tools/report.py": "import shop\n\n\ndef main():\n    from shop.cart import total\n"}
    (finding,) = findings(repo, base, {"shop/cart.py": "import os\n\nVAT = 19\n"})
    assert (finding.path, finding.line, finding.removed, finding.blocking) == ("shop/cart.py", 6, True, True)
    assert finding.category == "broken-import"
    assert finding.message == (
        "`total` is no longer in shop.cart, but is still imported by shop/till.py:1, tools/report.py:5"
    )
    assert finding.quote == "def total(items):"


@pytest.mark.parametrize(
    "importer",
    ["from .cart import total\n", "from . import cart\n", "import shop.cart\n", "from shop import cart as c\n"],
)
def test_a_module_that_is_gone_is_missed(repo: Repo, importer: str) -> None:
    (finding,) = findings(repo, SHOP | {"shop/till.py": importer}, {"shop/cart.py": None})
    assert finding.message == "the module shop.cart was removed, but is still imported by shop/till.py:1"


def test_a_module_that_has_moved_is_missed_where_it_was(repo: Repo) -> None:
    moved = {"shop/cart.py": None, "shop/basket.py": SHOP["shop/cart.py"]}
    (finding,) = findings(repo, SHOP, moved)
    assert finding.path == "shop/basket.py"
    assert "shop.cart was removed" in finding.message


def test_files_of_any_name_and_settings_of_the_user_do_not_matter(repo: Repo) -> None:
    repo.git("config", "grep.fallbackToNoIndex", "true")
    repo.git("config", "grep.patternType", "perl")
    repo.git("config", "color.grep", "always")
    name = 'shop/ti:ll "\n.py'
    (finding,) = findings(repo, SHOP | {name: "from shop.cart import total\n"}, {"shop/cart.py": "VAT = 19\n"})
    assert "ti:ll" in finding.message
    assert "\n" not in finding.message


def test_an_import_is_missed_in_a_commit_too(repo: Repo) -> None:
    repo.commit(SHOP)
    snapshot = commit(open_repository(repo.path), repo.commit({"shop/cart.py": EMPTY}))
    unchanged = snapshot.unchanged()
    assert unchanged.paths() == {"shop/__init__.py", "shop/till.py"}
    assert set(unchanged.holding(["total"], ".py", PATIENCE) or {}) == {"shop/till.py"}
    assert unchanged.holding(["tota"], ".py", PATIENCE) == {}


def test_only_python_matters() -> None:
    assert Imports().applies(source("a.py", "").entry)
    assert not Imports().applies(source("a.js", "").entry)
