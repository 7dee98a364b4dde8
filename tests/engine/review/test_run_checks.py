"""Checks run before any model is asked."""

from __future__ import annotations

from tests.support.changes import CLEAN
from tests.support.project import Project
from tests.support.server import Reply, analyst


def test_a_check_that_blocks_outweighs_an_outage(project: Project) -> None:
    project.models(Reply.refusal())
    project.repo.stage({"a.py": CLEAN, "b.py": "print(undefined_name)\n"})
    judged = project.judge()
    assert (judged.code, judged.verdict) == (1, "fail")
    assert "no model reviewed 1 file" in judged.notices


def test_a_report_says_which_checks_looked_at_each_file(project: Project) -> None:
    project.configure("")
    project.repo.stage({"a.py": "x = 1\n", "b.sql": "select 1\n", "c.go": "package c\n", "tool": "#!/bin/sh\nls\n"})
    scans = ["secrets", "invisible", "conflicts"]
    for _ in range(2):  # from the cache too
        assert {item["path"]: item["checks"] for item in project.judge().report["checked"]} == {
            "a.py": [*scans, "syntax", "ruff", "imports", "weakened-tests"],
            "b.sql": scans,
            "c.go": [*scans, "syntax", "weakened-tests"],
            "tool": [*scans, "syntax"],
        }
    (line,) = project.run("gate").out.splitlines()
    assert "3 files only checked (no model is configured), " in line
    assert "1 scanned for secrets only (no model is configured, no checker for .sql)" in line


def test_a_broken_import_blocks_and_a_moved_module_too(project: Project) -> None:
    project.configure("")
    cart = "def total(items):\n    return sum(items)\n"
    project.repo.commit({"shop/__init__.py": "", "shop/cart.py": cart, "shop/till.py": "from shop.cart import total\n"})
    project.repo.stage({"shop/cart.py": "VAT = 19\n"})
    for _ in range(2):  # from the cache too
        (finding,) = project.judge().blocking
        assert (finding["path"], finding["line"], finding["removed"]) == ("shop/cart.py", 1, True)
        assert finding["message"] == "`total` is no longer in shop.cart, but is still imported by shop/till.py:1"
    project.repo.stage({"shop/cart.py": None, "shop/basket.py": cart})
    (finding,) = project.judge().blocking
    assert finding["message"] == "the module shop.cart was removed, but is still imported by shop/till.py:1"
    project.repo.stage({"shop/till.py": "from shop.basket import total\n"})
    assert project.judge().code == 0


def test_what_a_check_refuses_is_not_sent_until_it_is_mended(project: Project) -> None:
    server = project.models(analyst())
    project.repo.stage({"a.py": CLEAN, "b.py": "def (:\n"})
    judged = project.judge()
    assert judged.code == 1
    assert judged.causes == {"b.py": "refused"}
    assert "b.py" not in server.requests[0].prompt
