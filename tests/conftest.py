"""Every machine is the same to the tests, and hypothesis tries the same examples every time.

`pytest --hypothesis-profile=explore` looks for new ones; there no example fails because a machine was busy.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.asking import KEY, KEY_NAME
from tests.support.dask import Cluster
from tests.support.gated import Gated
from tests.support.hosting import BUG, SERVICES, Hosting, serve
from tests.support.postgres import PostgresServer, binaries, postgres_server
from tests.support.project import Project, new_project
from tests.support.server import Finds, analyst

# Who runs the tests is not what they judge: a CI machine (where repairs stay in the foreground), a git or pre-commit
# hook, a terminal with colours of its own, a developer's own state folder.
AROUND = ("CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTEST_ADDOPTS")
AROUND_US = ("GIT_", "GITHUB_", "PRE_COMMIT", "RALPH_", "XDG_")
for name in [name for name in os.environ if name in AROUND or name.startswith(AROUND_US)]:
    del os.environ[name]

signal.signal(signal.SIGINT, signal.default_int_handler)  # the background jobs of a shell ignore it
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # so does nohup with this one
    signal.signal(signal.SIGHUP, lambda *_: None)  # ignored here all the same, and not by what tests start

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def quick_pytest() -> Iterator[None]:
    """What is judged has tests of its own; our plugins would make each of their runs take six times as long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One for all tests of a worker; each makes databases of its own in it."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here: initdb is neither on PATH nor where Debian and Homebrew put it")
    with postgres_server(programs) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A real repository with scripted models, configured for both."""
    with new_project(tmp_path, monkeypatch) as made:
        yield made.configure()


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    """A repository for the real command, with its user's state."""
    os.umask(0o022)
    return Gated(tmp_path)


@pytest.fixture(params=SERVICES)
def hosting(
    request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Hosting]:
    """The job of request 5, whose report of a range was refused."""
    project.models(analyst(Finds("eval(", BUG), Finds("exec(", "Runs that.")))
    before = project.repo.git("rev-parse", "HEAD").strip()
    head = project.repo.commit({"a.py": "eval(input())\nexec(input())\n"})
    assert project.run("gate", "--from-ref", before, "--to-ref", head).code == 1
    with serve(Hosting(head, shown={1})) as here:
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"action": "opened", "number": 5}), encoding="utf-8")
        variables = {
            "github": {
                "GITHUB_API_URL": here.url,
                "GITHUB_REPOSITORY": "me/shop",
                "GITHUB_EVENT_PATH": str(event),
                "GITHUB_TOKEN": here.token,
            },
            "gitlab": {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": here.url,
                "CI_PROJECT_PATH": "me/shop",
                "CI_MERGE_REQUEST_IID": "5",
                "GITLAB_TOKEN": here.token,
            },
        }
        for name in {name for service in SERVICES for name in variables[service]} | {"GH_TOKEN"}:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables[request.param].items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CI", "true")
        yield here


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Dask cluster of two workers. A test that ends one adds another."""
    with Cluster({KEY_NAME: KEY}) as made:
        made.add_workers(2)
        yield made
