"""The configuration that init writes."""

from __future__ import annotations

import pytest

from tests.support.initialised import KEY, PYTEST, init, table
from tests.support.project import Project

pytestmark = pytest.mark.usefixtures("alone")


class TestConfiguration:
    def test_not_a_byte_around_it_is_touched(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        text = b"#  odd   \r\n[project]\r\nname='x'\r\n\r\n\r\n[tool.pytest.ini_options]\r\nx  = [ 1 ]"
        path = project.repo.path / "pyproject.toml"
        path.write_bytes(text)
        path.chmod(0o640)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        assert path.read_bytes().startswith(text)
        assert path.stat().st_mode & 0o777 == 0o640

    def test_what_is_there_is_only_added_to(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.configure('[tool.ralph-hooks]\non-failure = "block" # ours\n\n[tool.pytest]\n')
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        text = (project.repo.path / "pyproject.toml").read_text(encoding="utf-8")
        assert 'on-failure = "block" # ours\ncheap = "groq/' in text
        assert table(project)["verify"]["commands"]

    def test_tests_can_be_left_out(self, project: Project) -> None:
        project.repo.commit(PYTEST)
        init(project, "--yes", "--no-tests")
        assert (project.repo.path / "pyproject.toml").read_text(encoding="utf-8") == PYTEST["pyproject.toml"]

    def test_a_link_stays_one(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.repo.write({"config/pyproject.toml": "# x\n"})
        (project.repo.path / "pyproject.toml").symlink_to("config/pyproject.toml")
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        assert (project.repo.path / "pyproject.toml").is_symlink()
        assert "groq/" in (project.repo.path / "config" / "pyproject.toml").read_text(encoding="utf-8")
