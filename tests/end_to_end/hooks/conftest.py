"""Real commits through real hooks: git's own, pre-commit's and prek's."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.support.hooked import FRAMEWORKS, RUNNERS, Frameworks, Hooked
from tests.support.matrix import LONG
from tests.support.project import BIN, Project
from tests.support.repo import Repo

TOP = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Frameworks:
    folder = tmp_path_factory.mktemp("frameworks")
    manifest = Repo.create(folder / "manifest", home=folder)
    revision = manifest.commit({".pre-commit-hooks.yaml": (TOP / ".pre-commit-hooks.yaml").read_bytes()})
    made = Frameworks(folder, revision)
    template = Repo.create(folder / "template", home=folder)
    template.write({".pre-commit-config.yaml": made.configuration("ralph-gate")})
    for name in FRAMEWORKS:
        args = [str(BIN / name), "install", "--overwrite" if name == "pre-commit" else "--force"]
        subprocess.run(args, cwd=template.path, env={**template.env, **made.env}, check=True, capture_output=True)
        shutil.move(template.path / ".git" / "hooks" / "pre-commit", folder / name)
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try git's own hook and one of the frameworks in each test; the other one is left to the long tests."""
    if any("hooked" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")):
        return
    chosen = FRAMEWORKS[zlib.crc32(metafunc.function.__name__.encode()) % len(FRAMEWORKS)]
    for fixture, runners in (("hooked", RUNNERS), ("framed", FRAMEWORKS)):
        if fixture in metafunc.fixturenames:
            params = [pytest.param(name, marks=() if name in {chosen, "native"} else LONG) for name in runners]
            metafunc.parametrize(fixture, params, indirect=True)


@pytest.fixture
def hooked(request: pytest.FixtureRequest, project: Project, frameworks: Frameworks, tmp_path: Path) -> Hooked:
    return Hooked(project, request.param, frameworks, tmp_path / "hooked")


@pytest.fixture
def framed(request: pytest.FixtureRequest, project: Project, frameworks: Frameworks, tmp_path: Path) -> Hooked:
    """As `hooked`, without git's own hook."""
    return Hooked(project, request.param, frameworks, tmp_path / "hooked")
