"""Dismissals in a review."""

from __future__ import annotations

import pytest

from tests.support.changes import BUGGY, EVAL, block_id, dismissed
from tests.support.project import TWO_LINES, Project
from tests.support.server import analyst


@pytest.fixture
def refused(project: Project) -> Project:
    """A project whose staged change a model's finding holds back."""
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    return project


def test_a_colleague_and_ci_never_see_it_again_until_the_line_changes(refused: Project) -> None:
    dismissed(refused, block_id(refused), "--reason", "an expression of ours")
    refused.repo.commit()
    repo = refused.repo
    repo.git("mv", "a.py", "renamed.py")
    repo.commit({"renamed.py": f"import os\n\n\n{BUGGY}".replace("import os", "LIMIT = 2")})
    judged = refused.judge("--from-ref", "HEAD~2", "--to-ref", "HEAD")
    assert (judged.code, len(judged.report["dismissed"])) == (0, 1)
    repo.stage({"renamed.py": BUGGY.replace("eval(text)", "eval(text + '')")})
    assert refused.judge().code == 1


def test_a_change_cannot_dismiss_its_own_finding_unseen(refused: Project) -> None:
    id_ = block_id(refused)
    dismissed(refused, id_, "--reason", "trust me")
    refused.repo.stage()
    judged = refused.judge()
    assert (judged.code, judged.report["dismissed"][0]["in_change"]) == (0, True)
    assert f"this change dismisses 1 finding itself: {id_} in a.py (false-alarm: trust me)" in judged.notices
    assert "1 of them by this change" in refused.run("gate").out


def test_base_counts_only_what_the_base_has(project: Project) -> None:
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.gate]\ndismissals = "base"\n')
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    dismissed(project, block_id(project), "--reason", "trust me")
    project.repo.stage()
    judged = project.judge()
    assert judged.code == 1
    assert "take effect once they are on the base" in judged.notices
    project.repo.git("reset", "--quiet", "a.py")
    project.repo.commit()
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 0
