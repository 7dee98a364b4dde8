"""Imports of a tree: certain breaks are told, and doubt is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.imports import EMPTY, SHOP, Files, findings
from tests.support.repo import Repo, isolate


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    isolate(monkeypatch, tmp_path)
    return Repo.create(tmp_path / "repo")


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
