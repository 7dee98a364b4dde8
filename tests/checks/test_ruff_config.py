"""The project's own ruff configuration: what ``ruff check`` passes, the gate passes."""

from __future__ import annotations

import pytest

from tests.support.project import TWO_LINES, Project
from tests.support.server import analyst

UNDEFINED = "def total(net):\n    return net * vat\n"
OWN = "[tool.ruff]\n"


def judged(project: Project, config: dict[str, str], path: str = "a.py", text: str = UNDEFINED) -> list[str]:
    """The blocking codes for ``text`` in a project whose base has ``config``."""
    project.configure(TWO_LINES + config.pop("pyproject.toml", ""))
    if config:
        project.repo.commit(config)
    project.models(analyst())
    project.repo.stage({path: text})
    return [str(finding["category"]) for finding in project.judge().blocking]


def test_without_a_configuration_an_undefined_name_blocks(project: Project) -> None:
    assert judged(project, {}) == ["F821"]


@pytest.mark.parametrize(
    "config",
    [
        {"pyproject.toml": f'{OWN}builtins = ["vat"]\n'},
        {"pyproject.toml": f'{OWN}extend-exclude = ["a.py"]\n'},
        {"pyproject.toml": f'{OWN}lint.ignore = ["F821"]\n'},
        {"pyproject.toml": f'{OWN}lint.extend-ignore = ["F8"]\n'},
        {"pyproject.toml": f'{OWN}lint.per-file-ignores = {{ "*.py" = ["F"] }}\n'},
        {"pyproject.toml": f'{OWN}lint.extend-per-file-ignores = {{ "!b.py" = ["F821"] }}\n'},
        {"ruff.toml": 'builtins = ["vat"]\n'},
        {".ruff.toml": 'builtins = ["vat"]\n', "ruff.toml": "builtins = []\n"},
        {"ruff.toml": 'extend = "shared/base.toml"\n', "shared/base.toml": 'builtins = ["vat"]\n'},
    ],
    ids=["builtins", "exclude", "ignore", "extend-ignore", "per file", "negated", "ruff.toml", ".ruff.toml", "extend"],
)
def test_what_the_project_allows_does_not_block(project: Project, config: dict[str, str]) -> None:
    assert judged(project, dict(config)) == []


def test_the_nearest_configuration_counts(project: Project) -> None:
    config = {"ruff.toml": "", "inner/ruff.toml": 'builtins = ["vat"]\n'}
    project.configure()
    project.repo.commit(config)
    project.models(analyst())
    project.repo.stage({"inner/deep/a.py": UNDEFINED, "outer/a.py": UNDEFINED})
    assert [finding["path"] for finding in project.judge().blocking] == ["outer/a.py"]


def test_a_change_cannot_allow_itself(project: Project) -> None:
    project.configure()
    project.models(analyst())
    project.repo.stage({"a.py": UNDEFINED, "ruff.toml": 'builtins = ["vat"]\n'})
    assert [finding["category"] for finding in project.judge().blocking] == ["F821"]
    project.repo.git("reset", "--quiet", "a.py")
    project.repo.commit()
    project.repo.stage({"a.py": UNDEFINED})
    assert project.judge().blocking == []


MATCH = "def f(x):\n    match x:\n        case 1:\n            return 2\n"


@pytest.mark.parametrize(
    ("config", "codes"),
    [
        ({}, []),
        ({"ruff.toml": 'target-version = "py310"\n'}, []),
        ({"ruff.toml": 'target-version = "py38"\n'}, ["syntax"]),
        ({"ruff.toml": 'target-version = "py399"\n'}, []),
    ],
)
def test_the_target_version_is_the_projects(project: Project, config: dict[str, str], codes: list[str]) -> None:
    assert judged(project, dict(config), text=MATCH) == codes


@pytest.mark.parametrize("damaged", ["builtins = [", "builtins = 3\n", "[lint]\nignore = 'F'\n", "\x00"])
def test_a_damaged_configuration_changes_nothing(project: Project, damaged: str) -> None:
    assert judged(project, {"ruff.toml": damaged}) == ["F821"]


def test_our_own_setting_ignores_codes(project: Project) -> None:
    assert judged(project, {"pyproject.toml": '[tool.ralph-hooks.checks.ruff]\nignore = ["F8"]\n'}) == []
