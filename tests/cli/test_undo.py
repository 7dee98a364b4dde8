"""`undo` puts files back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixes import store_fix
from tests.support.project import Project, new_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made


def test_files_can_be_put_back_whatever_the_configuration_says(project: Project) -> None:
    project.repo.stage({"a.py": "a\n"})
    store_fix(project.repo, {"a.py": "b\n"})
    project.repo.write({"pyproject.toml": "[tool.ralph-hooks]\nno-such-key = 1\n"})
    assert (project.run("gate").code, project.run("apply").code, project.run("undo").code) == (2, 0, 0)
