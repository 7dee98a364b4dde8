"""Reproducers are code that a model wrote: what they get to see, and what of them reaches a terminal."""

from __future__ import annotations

import pytest

from ralph_hooks.reports.formats import FORMATS
from tests.support.asking import KEY_NAME
from tests.support.project import Project
from tests.support.server import Finds, Reply, Request, analyst

BASE = "def rate(part, whole):\n    if not whole:\n        return 0\n    return part / whole\n"
CHANGE = BASE.replace("    if not whole:\n        return 0\n", "")
TEST = f"""\
import os
import socket
from shop import rate
def test_rate():
    assert {KEY_NAME!r} not in os.environ
    assert "RALPH_HOOKS_HOME" not in os.environ
    assert "project" not in os.environ["HOME"]
    assert rate(1, 0) == 0
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """A change that divides by zero is staged."""
    project.agrees = False
    project.repo.commit({"shop.py": BASE})
    project.repo.stage({"shop.py": CHANGE})
    return project


def serve(shop: Project, test: str, **fields: str) -> None:
    item = {"id": "C1", "test": test, "asserts": "", "because": "", "cannot": "", **fields}
    reviewer = analyst(Finds("if not whole", "Divides by zero."))

    def answer(request: Request) -> Reply:
        return Reply.json_text({"reproducers": [item]}) if request.phase == "reproduce" else reviewer(request)

    shop.models(answer)


@pytest.mark.long("three runs of a test; make security")
def test_reproducer_sees_no_key_and_no_home(shop: Project) -> None:
    serve(shop, TEST)
    (finding,) = shop.judge().findings
    assert finding["evidence"] == "proved", finding["proof"]
    assert finding["proof"]["on_change"].startswith("fails 3 of 3: ZeroDivisionError")


@pytest.mark.long("three runs of a test; make security")
def test_text_of_a_reproducer_cannot_drive_the_terminal(shop: Project) -> None:
    hostile = "\x1b]0;owned\x07\u202e"
    serve(
        shop,
        f"from shop import rate\n# {hostile}\ndef test_rate():\n    rate(1, 0)\n",
        asserts=hostile,
        because=hostile,
    )
    (finding,) = shop.judge().findings
    assert finding["evidence"] == "proved"
    shown = [shop.run("show", "--proof", finding["id"]), *(shop.run("show", "--format", name) for name in FORMATS)]
    for each in shown:
        assert not set("\x1b\x07\u202e") & set(each.out + each.err)


@pytest.mark.long("three runs of a test; make security")
def test_saved_reproducer_replaces_no_file(shop: Project) -> None:
    serve(shop, TEST)
    (finding,) = shop.judge().findings
    refused = shop.run("show", "--proof", finding["id"], "--save", "shop.py")
    assert refused.code == 2
    assert "exists already" in refused.err
    assert (shop.repo.path / "shop.py").read_text(encoding="utf-8") == CHANGE


def test_reproducer_that_ends_its_runner_proves_nothing(shop: Project) -> None:
    serve(shop, "import os\nfrom shop import rate\ndef test_rate():\n    rate(1, 1)\n    os._exit(1)\n")
    (finding,) = shop.judge().findings
    assert (finding["evidence"], finding["blocking"]) == ("unproved", False)
    assert shop.repo.git("status", "--porcelain") == "M  shop.py"
