"""Checks of a whole change are run once for the same change, and told of where they were not run."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.project import Project

CART = "def total(items):\n    return sum(items)\n"


def test_another_change_of_the_base_is_another_answer(project: Project) -> None:
    project.configure("")
    project.repo.commit({"shop/__init__.py": "", "shop/cart.py": CART})
    project.repo.stage({"shop/cart.py": "VAT = 19\n"})
    assert project.judge().code == 0
    project.repo.git("stash", "--quiet")
    project.repo.commit({"shop/till.py": "from shop.cart import total\n"})
    project.repo.stage({"shop/cart.py": "VAT = 19\n"})
    assert project.judge().blocking[0]["category"] == "broken-import"


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such a name")
def test_a_name_that_is_not_utf8_comes_back_from_the_cache(project: Project) -> None:
    project.configure("")
    name = os.fsdecode(b"tests/test_\xff.py")
    project.repo.commit({name: "def test_a():\n    assert 1\n"})
    project.repo.stage({name: "\n"})
    first, again = project.judge(), project.judge()
    assert first.findings == again.findings
    assert first.findings[0]["path"] == "tests/test_\\xff.py"


def test_a_large_push_is_checked_as_a_whole(project: Project) -> None:
    """In parts of 1,000 files: the import that broke is in another part than the name that is gone."""
    project.configure("")
    files = {f"m{number:04}.py": f"X = {number}\n" for number in range(1_001)}
    till = "from aaa.cart import total\n"
    project.repo.commit({**files, "aaa/__init__.py": "", "aaa/cart.py": CART, "zzz.py": till})
    more = {name: f"{text}Y = 1\n" for name, text in files.items()}
    project.repo.commit({**more, "aaa/cart.py": "VAT = 19\n", "zzz.py": f"{till}Y = 1\n"})
    judged = project.judge("--commit", "HEAD")
    assert [finding["category"] for finding in judged.blocking] == ["broken-import"]
    assert "these checks did not run: weakened-tests" in judged.notices


def test_a_check_that_missed_the_deadline_is_named(project: Project) -> None:
    project.configure("[tool.ralph-hooks.gate]\ndeadline = 0.001\n")
    project.repo.stage({"a.py": "x = 1\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert "the imports check did not finish before the deadline" in judged.report["reason"]


def test_a_change_that_is_too_large_says_that_it_was_not_checked(project: Project) -> None:
    project.configure("")
    project.repo.stage({f"d/m{number}.py": f"x = {number}\n" for number in range(1_001)})
    judged = project.judge()
    assert judged.code == 0
    assert "the imports check did not run: it cannot read the rest of the project here" in judged.notices
    assert "these checks did not run: weakened-tests" in judged.notices
    assert all("imports" not in item["checks"] for item in judged.report["checked"])
