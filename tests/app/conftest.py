"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def temporary(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder for this test alone, so that what is left behind shows."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    project.environ |= {"TMPDIR": str(folder), "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "CI": ""}
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("CI", "")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder
