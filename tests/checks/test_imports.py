"""A name or module that a change takes away while other files import it blocks; doubt never does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from ralph_hooks.checks.imports import Imports
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.git.snapshot import commit, open_repository, staged
from tests.support.patience import PATIENCE
from tests.support.repo import Repo, isolate
from tests.support.sources import source

Files = Mapping[str, str | bytes | None]
SHOP = {
    "shop/__init__.py": "",
    "shop/cart.py": "import os\n\nVAT = 19\n\n\ndef total(items):\n    return sum(items)\n",
    "shop/till.py": "from shop.cart import VAT, total\n",
}
EMPTY = "import os\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    return Repo.create(tmp_path / "repo")


def findings(repo: Repo, base: Files, change: Files) -> tuple[Finding, ...]:
    repo.commit(base)
    repo.stage(change)
    snapshot = staged(open_repository(repo.path))
    check = Imports()
    entries = [entry for entry in snapshot.change.entries if check.applies(entry)]
    contents = snapshot.contents(entries)
    text = [entry for entry in entries if entry.old_oid != entry.new_oid]
    hunks = snapshot.hunks(text)
    sources = [Source(entry, contents[entry.path], hunks.get(entry.path, ())) for entry in entries]
    return check.run(sources, snapshot.unchanged(), Deadline(PATIENCE, time.monotonic)) or ()


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


def test_a_package_that_no_longer_offers_a_name_breaks_its_importers(repo: Repo) -> None:
    base = SHOP | {
        "src/lib/__init__.py": "from lib.a import go\n",
        "src/lib/a.py": "def go(): ...\n",
        "main.py": "from lib import go\n",
    }
    (finding,) = findings(repo, base, {"src/lib/__init__.py": "\n"})
    assert finding.message == "`go` is no longer in lib, but is still imported by main.py:1"


@pytest.mark.parametrize(
    ("base", "change"),
    [
        ({}, {"shop/cart.py": "import os\n\nVAT = 19\n\n\ntotal = sum\n"}),
        ({}, {"shop/cart.py": "import os\n\nVAT = 19\nif os.name:\n    def total(items): ...\n"}),
        ({}, {"shop/cart.py": "VAT = 19\nfrom shop.sums import *\n"}),
        ({}, {"shop/cart.py": "VAT = 19\n\n\ndef __getattr__(name): ...\n"}),
        ({}, {"shop/cart.py": "VAT = 19\nglobals().update(total=sum)\n"}),
        ({}, {"shop/cart.py": "VAT = 19\ndef broken(\n"}),
        ({}, {"shop/cart.py": "VAT = 19\n", "shop/till.py": "from shop.cart import VAT\n"}),
        ({}, {"shop/cart.py": None, "shop/cart/__init__.py": "VAT = 19\n", "shop/cart/sums.py": "total = sum\n"}),
        (
            {"shop/till.py": "try:\n    from shop.cart import total\nexcept ImportError:\n    total = sum\n"},
            {"shop/cart.py": EMPTY},
        ),
        ({"shop/till.py": "if False:\n    from shop.cart import total\n"}, {"shop/cart.py": EMPTY}),
        (
            {"shop/till.py": "with suppress(ImportError):\n    from shop.cart import total\n"},
            {"shop/cart.py": EMPTY},
        ),
        ({"shop/till.py": "", "tests/test_cart.py": "from shop.cart import total\n"}, {"shop/cart.py": EMPTY}),
        ({"shop/till.py": "from other.cart import total\n"}, {"shop/cart.py": EMPTY}),
        ({"shop/till.py": "# from shop.cart import total\n"}, {"shop/cart.py": EMPTY}),
        ({"shop/cart.py": "if True:\n    total = VAT = 1\n"}, {"shop/cart.py": EMPTY}),
        ({"shop/__init__.py": None}, {"shop/cart.py": EMPTY}),
        ({"src/shop/__init__.py": "", "src/shop/cart.py": "total = VAT = 1\n"}, {"shop/cart.py": EMPTY}),
        (
            {"shop/_version.py": "version = 1\n", "shop/till.py": "from shop._version import version\n"},
            {"shop/_version.py": None},
        ),
    ],
    ids=[
        "bound otherwise",
        "conditional",
        "star",
        "getattr",
        "globals",
        "unparsable",
        "importer changed",
        "package now",
        "try",
        "if",
        "suppress",
        "tests",
        "another module",
        "comment",
        "conditional before",
        "namespace package",
        "two of that name",
        "generated",
    ],
)
def test_doubt_is_silent(repo: Repo, base: Files, change: Files) -> None:
    repo.commit(SHOP)
    assert findings(repo, base, change) == ()


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
