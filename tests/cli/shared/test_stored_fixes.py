"""A stored fix is chosen and shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ralph_hooks.git.fixes import store as fixes
from tests.support.fixes import in_store, store_fix
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made


def test_show_says_when_a_fix_waits_for_what_is_staged(project: Project) -> None:
    project.repo.stage({"a.py": "one = 1\n"})
    project.run("gate")
    assert "A fix is ready" not in project.run("show").err
    fix = store_fix(project.repo, {"a.py": "one = 2\n"}, verified=False)
    shown = project.run("show")
    assert f"A fix is ready: {fix.id}" in shown.err
    assert "NOT verified" in shown.err
    assert project.last()["fix"]["id"] == fix.id
    assert f"{fix.id}  " in project.run("show", "--list").out
    project.repo.stage({"a.py": "one = 3\n"})
    assert "A fix is ready" not in project.run("show").err


def test_ids_that_mean_nothing_or_too_much_are_refused(project: Project) -> None:
    project.repo.stage({"a.py": "a\n"})
    fix = store_fix(project.repo, {"a.py": "b\n"})
    for id_ in ("abcd1111", "abcd2222"):
        in_store(project.repo).git("update-ref", fixes.PREFIX + id_, fix.commit)
    assert fix.summary in project.run("show", fix.ref).out
    assert project.run("apply", f"{fixes.PREFIX}abcd1111").code == 0
    several = project.run("apply", "abcd")
    assert (several.code, "choose one" in several.err) == (2, True)
    for wrong in ("zz", "*", "", "../fixes", "-"):
        assert project.run("apply", "--", wrong).code == 2
