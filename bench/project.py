"""A real repository with a scripted model server, and the installed program in it."""

from __future__ import annotations

import compileall
import shutil
import ssl
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import certifi
import trustme

import ralph_hooks
from bench.clock import Spent, spend
from bench.figures import UnexpectedError
from tests.support.project import PRICES, TWO_LINES, environment, provider
from tests.support.repo import Repo
from tests.support.server import ModelServer, analyst

CHECKOUT = Path(__file__).resolve().parents[1]
_BUDGET = "[budget] # models that cost nothing need none\nper-run = 1000\nper-day = 1000\nper-month = 1000\n"
_AUTHORITY = "authority.pem"
PROGRAM = Path(sysconfig.get_path("scripts")) / "ralph-hooks"


class Project:
    """A repository whose models answer that nothing is wrong. Made by `project`."""

    def __init__(self, repo: Repo, home: Path, server: ModelServer) -> None:
        self.repo = repo
        self.home = home
        self.server = server
        self.env = environment(repo.home, home)

    def gate(self, *, python: Sequence[str | Path] = ()) -> Spent:
        """Judge what is staged; ``python`` stands before the installed script. The change has to pass."""
        spent = spend([*python, PROGRAM, "gate"], cwd=self.repo.path, env=self.env)
        if spent.code or "NOT" in spent.output:
            raise UnexpectedError(f"the gate was expected to pass, and ended with {spent.code}: {spent.output}")
        return spent

    def forget(self) -> None:
        """Make the next judgement the first of this user."""
        shutil.rmtree(self.home / "state", ignore_errors=True)

    def judge_anew(self) -> Spent:
        """Judge the staged change for the first time."""
        self.forget()
        return self.gate()


@contextmanager
def project(*, latency: float = 0.0, tls: bool = False) -> Iterator[Project]:
    """A repository in a temporary folder; the models answer after ``latency`` seconds, over ``tls`` if wanted."""
    # As pip does when it installs. An editable install is left as it is, and some environments forbid Python to do it.
    compileall.compile_dir(Path(ralph_hooks.__file__).parent, quiet=1)
    with (
        tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as folder,
        ModelServer(analyst(latency=latency), tls=_certified(Path(folder)) if tls else None) as server,
    ):
        home = Path(folder, "ralph")
        home.mkdir()
        (home / "config.toml").write_text(provider("scripted", server.url) + PRICES + _BUDGET, encoding="utf-8")
        repo = Repo.create(Path(folder, "project"), home=Path(folder))
        repo.commit({"pyproject.toml": TWO_LINES})
        made = Project(repo, home, server)
        if tls:
            made.env["REQUESTS_CA_BUNDLE"] = str(Path(folder, _AUTHORITY))
        yield made


def _certified(folder: Path) -> ssl.SSLContext:
    """Return a server's side of TLS. The authority that signed its certificate is in ``folder``."""
    authority = trustme.CA()
    # Beside the authorities that everybody trusts: to read them is a part of what TLS costs.
    (folder / _AUTHORITY).write_bytes(authority.cert_pem.bytes() + Path(certifi.where()).read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def own_modules(count: int) -> dict[str, str]:
    """Real code: the first ``count`` modules of this package by name that are longer than a screen."""
    paths = sorted((CHECKOUT / "ralph_hooks").rglob("*.py"))
    texts = {str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8") for path in paths}
    return dict([(name, text) for name, text in texts.items() if text.count("\n") > 50][:count])


def without_some_lines(text: str) -> str:
    """Return an earlier version of ``text``: twelve lines in the middle are missing."""
    lines = text.splitlines(keepends=True)
    middle = len(lines) // 2
    return "".join(lines[: middle - 6] + lines[middle + 6 :])


def stage_ten_files(made: Project) -> None:
    """An ordinary commit of ten files."""
    modules = own_modules(10)
    made.repo.commit({name: without_some_lines(text) for name, text in modules.items()})
    made.repo.stage(modules)
