"""A user's repository with a bug staged, models to judge it, and whatever is wrong with them."""

from __future__ import annotations

import json
import socket
import sqlite3
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from ralph_hooks.app import wiring
from tests.support.asking import KEY, KEY_NAME
from tests.support.project import Project, Ran, environment, provider
from tests.support.repo import Repo
from tests.support.server import Finds, ModelServer, Reply, Request, Responder, analyst

CODE = "def total(items):\n    out = 0\n    for item in items[:-1]:\n        out += item\n    return out\n"
BUG = Finds("items[:-1]", "The last item is left out.")
GOOD = analyst(BUG)
"""A model that answers, and reports the bug."""

PHASES = ("analyze", "verify")
"""Those that a gate has."""
REPAIRS = ("plan", "implement", "fix")
"""Those of a repair."""
FIRST, SECOND, STEADY = "scripted/small", "other/large", "steady/model"
OTHER_KEY = "OTHER_KEY"
PRICE = {"input": 1.0, "output": 2.0}
"""US dollars per million tokens, of every model here."""
MALFORMED = "sk-made-up with\u00a0blanks"
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Booked:
    """One call as the ledger has it."""

    phase: str
    model: str
    outcome: str
    cost: int | None
    """1e-12 US dollars."""
    estimated: bool


@dataclass(frozen=True)
class Judgement:
    """The visible result of one run, in every output format."""

    ran: Ran
    report: Mapping[str, Any]
    booked: tuple[Booked, ...]
    """Calls of this run."""

    def of(self, model: str) -> list[Booked]:
        return [row for row in self.booked if row.model == model]

    def outcomes(self, model: str = FIRST) -> list[str]:
        return [row.outcome for row in self.of(model)]


class World:
    """Made by `new_world`. ``waits`` are the seconds that were to be slept; the clock stands, but for ``later``."""

    def __init__(self, repo: Repo, home: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = Project(repo, home, stack)
        self.waits: list[float] = []
        self.later = 0.0
        self.answer: Responder = GOOD
        self.good = stack.enter_context(ModelServer(self._steady))
        self.environment = monkeypatch
        self._stack = stack
        self._authority = trustme.CA()
        began = time.time()
        self._clock = SimpleNamespace(
            sleep=self.waits.append, monotonic=time.monotonic, time=lambda: began + self.later
        )
        monkeypatch.setattr(wiring, "time", self._clock)  # where the caller gets its clock from

    def _steady(self, request: Request) -> Reply:
        return self.answer(request)

    def serve(self, script: Responder | Reply, tls: ssl.SSLContext | None = None) -> ModelServer:
        return self._stack.enter_context(ModelServer(script, tls=tls))

    # Faults of an endpoint. Each returns its base URL.

    def nameless(self) -> str:
        real = socket.getaddrinfo

        def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the standard library's
            if host == "nowhere.example":
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(host, *args, **options)

        self.environment.setattr(socket, "getaddrinfo", getaddrinfo)
        return "https://nowhere.example/v1"

    def without_key(self) -> str:
        self.environment.delenv(KEY_NAME)
        return self.good.url

    def malformed_key(self) -> str:
        self.environment.setenv(KEY_NAME, MALFORMED)
        return self.good.url

    def secure(self, script: Responder | Reply = GOOD) -> ModelServer:
        """Return a server whose certificate is signed by an authority that we do not trust yet."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("localhost").configure_cert(context)
        return self.serve(script, context)

    def trust(self) -> None:
        """Make us trust the authority."""
        bundle = self.project.home.with_name("ca.pem")
        self._authority.cert_pem.write_to_path(bundle)
        self.environment.setenv("SSL_CERT_FILE", str(bundle))

    def no_authority(self) -> str:
        self.environment.setenv("SSL_CERT_FILE", "/nowhere.pem")
        return self.secure().url

    def redirecting(self) -> str:
        return self.serve(Reply.status(307, headers={"Location": "https://elsewhere.example/v1"})).url

    # The gate

    def configure(
        self,
        url: str,
        wire: str = "openai",
        *,
        phase: str = "analyze",
        policy: str = "closed",
        models: tuple[str, ...] = (FIRST,),
        other: str = "",
        more: str = "",
        provider_more: str = "",
    ) -> None:
        """``models`` serve ``phase``, the first from ``url``; the other phase is served by one that always answers."""
        for name in (OTHER_KEY, "STEADY_KEY"):
            self.environment.setenv(name, KEY[::-1])
        places = provider("scripted", url, wire) + provider_more
        places += provider("other", other or self.good.url, wire).replace(KEY_NAME, OTHER_KEY)
        places += provider("steady", self.good.url, wire).replace(KEY_NAME, "STEADY_KEY")
        chains = {each: list(models) if each == phase else [STEADY] for each in PHASES + REPAIRS}
        prices = "".join(
            f'[prices."{name}"]\ninput = {PRICE["input"]}\noutput = {PRICE["output"]}\n'
            for name in (FIRST, SECOND, STEADY)
        )
        tables = "".join(f"{each} = {json.dumps(chain)}\n" for each, chain in chains.items())
        gate = f'[gate]\nwhen-unavailable = "{policy}"\nwhen-no-key = "{policy}"\n{more}\n'
        self.project.write_user(f"[models]\n{tables}{gate}{places}{prices}")

    def gate(self) -> Judgement:
        """Judge, and read back what was recorded."""
        before = len(self._rows())
        ran = self.project.run("gate")
        assert "Traceback" not in ran.out + ran.err
        return Judgement(ran, self.project.last(), tuple(self._rows()[before:]))

    def mend(self) -> Judgement:
        """Judge and repair, and read back what was recorded."""
        before = len(self._rows())
        ran = self.project.run("fix")
        assert "Traceback" not in ran.out + ran.err
        return Judgement(ran, self.project.last(), tuple(self._rows()[before:]))

    def begin_with(self, server: ModelServer) -> None:
        """Count the time of a run from when ``server`` is asked: a busy machine may take longer to get there."""

        def clock() -> float:
            return max(0.0, time.monotonic() - server.requests[0].at) if server.requests else 0.0

        self._clock.monotonic = clock

    def warm_up(self) -> None:
        """Run the checks, and keep their answers: what is left of a short deadline is the models'."""
        self.project.write_user("")
        assert self.project.run("gate").code == 0

    def refuse(self) -> tuple[Ran, tuple[Booked, ...]]:
        """As `gate`, where no report comes of it."""
        ran = self.project.run("gate")
        assert "Traceback" not in ran.out + ran.err
        return ran, tuple(self._rows())

    def _rows(self) -> list[Booked]:
        path = self.project.home / "state" / "state.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute(
                "SELECT phase, model, outcome, cost, estimated FROM calls WHERE remembered = 0 ORDER BY id"
            ).fetchall()
        return [Booked(phase, model, outcome, cost, bool(estimated)) for phase, model, outcome, cost, estimated in rows]


def repository(path: Path) -> Repo:
    """Return a repository with the bug staged. A gate only reads, so that many tests can share it."""
    made = Repo.create(path)
    made.commit({"README.md": "A shop.\n"})
    return made.stage({"a.py": CODE})


@contextmanager
def new_world(repo: Repo, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A user with a home of their own in ``folder``, in this process, at ``repo``."""
    for name, value in environment(repo.home, folder / "ralph").items():
        monkeypatch.setenv(name, value)
    for name in _TRUST:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(repo.path)
    with ExitStack() as stack:
        yield World(repo, folder / "ralph", stack, monkeypatch)


def host(url: str) -> str:
    """As a sentence names it."""
    return url.partition("://")[2].removesuffix("/v1")
