"""The rules by which runs of a reproducer prove a finding: each wrong kind of reproducer is stopped by one of them.

The runs are real: each reproducer is run by the prover on a real change, in scratch copies.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ralph_hooks.core.proof import HANG, Evidence, ProofOutcome, Run
from ralph_hooks.engine.review import proof
from ralph_hooks.engine.review.proof import Claims, JudgedRuns
from ralph_hooks.git.sandbox.prover import GitProver
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.matrix import MORE
from tests.support.proofs import BASE, CHANGE, runs
from tests.support.repo import Repo

RIGHT = "from shop import rate\ndef test_rate():\n    assert rate(1, 0) == 0\n"


@pytest.fixture
def prover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[GitProver, str, str]:
    """The prover for a staged change that breaks three functions; the trees of the change and of its base."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    repo = Repo.create(tmp_path / "shop")
    for name in ("GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    repo.commit({"shop.py": BASE})
    repo.stage({"shop.py": CHANGE})
    opened = open_repository(repo.path)
    change = staged(opened).change
    return GitProver(opened, change), change.tree, change.base


def refused(judged: JudgedRuns, words: str) -> None:
    assert judged.failure is None
    assert words in judged.reason
    assert proof.weigh(judged, Claims(promised=True, allowed=True, unintended=True))[0] is Evidence.UNPROVED


@MORE
def test_uncaught_exception_of_the_project_is_proved(prover: tuple[GitProver, str, str]) -> None:
    judged = proof.judge(*runs(prover, RIGHT))
    assert judged.failure is not None
    assert (judged.failure.kind, judged.failure.at) == ("ZeroDivisionError", ("shop.py", 3))
    assert (judged.differs, judged.exceptional) == (True, True)
    assert proof.needs(judged, deliberate=False, quoted=False, intent=False) == frozenset()
    assert proof.weigh(judged, Claims()) == (Evidence.PROVED, "ZeroDivisionError at shop.py:3")


@pytest.mark.long("a hang takes its whole time limit")
def test_hang_in_the_project_is_proved(prover: tuple[GitProver, str, str]) -> None:
    judged = proof.judge(*runs(prover, "from shop import wait\ndef test_wait():\n    assert wait(3) == 0\n", limit=2.0))
    assert judged.failure is not None
    assert (judged.failure.kind, judged.exceptional) == (HANG, True)
    assert proof.weigh(judged, Claims())[0] is Evidence.PROVED


def it(*lines: str, also: str = "sys") -> str:
    """A test of these lines that runs a changed line first."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"import {also}\nimport shop\ndef test_it():\n    shop.days(1)\n{body}\n"


BOTH = "AssertionError, on the base too"
SOURCE = "it reads source text"
UNREACHED = "no changed line inside a function runs"
LEFTOVER = "m = os.path.join(tempfile.gettempdir(), 'm'); seen = os.path.exists(m); open(m, 'w').close(); assert seen"
CALL_OUT = "s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 80)); assert shop.days(24) == 1"
STATE = "seen = []\ndef test_a():\n    seen.append(shop.days(24))\ndef test_b():\n    assert seen in ([], [1])\n"
WRONG = {
    "import error": ("from shop import nothing\ndef test_it():\n    assert nothing() == 0\n", "does not load"),
    "missing fixture": ("def test_it(nowhere):\n    assert nowhere\n", "does not load"),
    "syntax error": ("def test_it(:\n", "does not load"),
    "assert False": (it("assert False"), BOTH),
    "coin flip": (it("assert random.random() < 0.5", also="random"), "passes on the"),
    "leftover in TMPDIR": (it(LEFTOVER, also="os, tempfile"), BOTH),
    "source text": (it("assert '// 24' in getattr(open(shop.__file__), 'read')()"), SOURCE),
    "source text by a program": (
        it("assert b'// 24' in subprocess.check_output(['cat', 'shop.py'])", also="subprocess"),
        SOURCE,
    ),
    "source text by the loader": (it("assert b'// 24' in shop.__loader__.get_data(shop.__file__)"), SOURCE),
    "network": (it(CALL_OUT, also="socket"), "it uses the network"),
    "sleeping": (it("time.sleep(0.01)", "assert shop.days(24) == 1", also="time"), "it sleeps"),
    "order": (f"import shop\n{STATE}", UNREACHED),
    "never reaches a changed line": (
        "import shop\ndef test_it():\n    assert 24 in shop.days.__code__.co_consts\n",
        UNREACHED,
    ),
    "a loop of its own": (it("while shop.days(24) != 1: pass"), "the test itself hangs"),
    "passes": (it("assert shop.days(0) == 0"), "passes on the change"),
}


SHORT = ("import error", "source text", "network", "never reaches a changed line")


@pytest.mark.parametrize("kind", [kind if kind in SHORT else pytest.param(kind, marks=MORE) for kind in WRONG])
def test_wrong_reproducer_proves_nothing(prover: tuple[GitProver, str, str], kind: str) -> None:
    text, words = WRONG[kind]
    judged = proof.judge(*runs(prover, text, limit=2.0 if kind == "a loop of its own" else 20.0))
    assert words in judged.reason
    evidence, _ = proof.weigh(judged, Claims())
    assert evidence is Evidence.UNPROVED


@MORE
def test_difference_that_may_be_intended_is_only_shown(prover: tuple[GitProver, str, str]) -> None:
    judged = proof.judge(*runs(prover, "import shop\ndef test_it():\n    assert shop.days(24) == 1\n"))
    assert (judged.differs, judged.exceptional) == (True, False)
    assert proof.weigh(judged, Claims())[0] is Evidence.SHOWN
    assert proof.needs(judged, deliberate=False, quoted=True, intent=True) == {"promised", "unintended"}
    assert proof.weigh(judged, Claims(promised=True))[0] is Evidence.PROVED
    assert proof.weigh(judged, Claims(promised=False))[0] is Evidence.SHOWN
    assert proof.weigh(judged, Claims(promised=True, unintended=False))[0] is Evidence.SHOWN


@pytest.mark.parametrize(
    ("change", "base", "evidence"),
    [(True, True, Evidence.AGREED), (True, False, Evidence.AGREED), (False, True, Evidence.UNPROVED)],
)
def test_project_that_cannot_be_loaded_leaves_the_finding_agreed(
    evidence: Evidence, *, change: bool, base: bool
) -> None:
    def run(foreign: bool) -> Run:  # noqa: FBT001 - one argument
        return Run(outcome=ProofOutcome.NOT_LOADED if foreign else ProofOutcome.PASSED, foreign=foreign)

    judged = proof.judge([run(change)], [run(base)])
    assert proof.weigh(judged, Claims())[0] is evidence
    assert "cannot be loaded" in judged.reason
