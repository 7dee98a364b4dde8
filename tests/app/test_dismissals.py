"""Dismissals are made, listed, undone and pruned."""

from __future__ import annotations

import pytest

from ralph_hooks.core.dismissal import DISMISSED, read
from tests.support.changes import BUGGY, EVAL, block_id, dismissed
from tests.support.project import Project, phases
from tests.support.server import analyst

UNDEFINED = "def total(net):\n    return net * vat\n"


@pytest.fixture
def refused(project: Project) -> Project:
    """A project whose staged change a model's finding holds back."""
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    return project


def test_checks_are_dismissed_as_well_and_models_then_read_the_file(project: Project) -> None:
    project.configure()
    server = project.models(analyst())
    project.repo.stage({"a.py": UNDEFINED})
    assert project.judge().blocking[0]["category"] == "F821"
    assert phases(server.requests) == []
    dismissed(project, "--last", "--accept", "--reason", "set by the template")
    judged = project.judge()
    assert (judged.code, judged.report["dismissed"][0]["kind"]) == (0, "accepted")
    assert phases(server.requests) == ["analyze"]


def test_list_undo_and_prune(refused: Project) -> None:
    id_ = block_id(refused)
    dismissed(refused, id_, "--reason", "fine for now")
    listed = refused.run("dismiss", "--list").out
    assert f"{id_}  a.py: defect, false-alarm" in listed
    assert "fine for now (Ada <ada@example.com>" in listed
    assert refused.run("dismiss", "--prune").out == "Every dismissal's code is still there.\n"
    dismissed(refused, "--undo", id_)
    assert refused.judge().code == 1
    dismissed(refused, id_, "--reason", "fine for now")
    refused.repo.write({"a.py": "print(1)\n"})
    told = refused.run("doctor", "--offline").out
    assert "1 dismissal of 1 matched no code" in told
    assert id_ in refused.run("dismiss", "--prune").out
    assert read((refused.repo.path / DISMISSED).read_bytes()) == ()


def test_prune_keeps_what_was_renamed(refused: Project) -> None:
    dismissed(refused, "--last", "--reason", "fine")
    (refused.repo.path / "a.py").rename(refused.repo.path / "b.py")
    assert refused.run("dismiss", "--prune").out == "Every dismissal's code is still there.\n"
