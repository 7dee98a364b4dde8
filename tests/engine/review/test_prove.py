"""A confirmed finding is put to the proof: its evidence, and what of it blocks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.engine.review import prove
from ralph_hooks.reports.formats import FORMATS
from tests.support.matrix import MORE, first
from tests.support.processes import counted
from tests.support.project import TWO_LINES, Judged, Project, phases
from tests.support.server import Finds, Reply, Request, Responder, analyst

BASE = '''\
def rate(part, whole):
    """Return 0 where whole is 0."""
    if not whole:
        return 0
    return 100 * part / whole


def days(hours):
    """A day has 24 hours."""
    return hours // 24
'''
CHANGE = BASE.replace("    if not whole:\n        return 0\n", "").replace("// 24", "// 25")
DIVIDES = Finds("if not whole", "Divides by zero where whole is 0.")
HOURS = Finds("hours // 25", "A day has 24 hours.")
RATE_TEST = "from shop import rate\ndef test_rate():\n    assert rate(1, 0) == 0\n"
DAYS_TEST = "from shop import days\ndef test_days():\n    assert days(48) == 2\n"
PROMISE = 'shop.py: "A day has 24 hours."'
Test = str | dict[str, str]


def reviewer(*finds: Finds, tests: Sequence[Test], holds: Callable[[str], bool] = lambda _: True) -> Responder:
    """Finds, confirms, and answers with ``tests`` in turn: the text of one, or the fields of a reproducer."""
    waiting = list(tests)

    def answer(request: Request) -> Reply:
        if request.phase != "reproduce":
            return analyst(*finds, holds=holds)(request)
        test = waiting.pop(0)
        fields = {"test": test} if isinstance(test, str) else test
        item = {"id": "C1", "test": "", "asserts": "it does", "because": "", "cannot": "", **fields}
        return Reply.json_text({"reproducers": [item]})

    return answer


@pytest.fixture
def shop(project: Project) -> Project:
    """A change with two bugs is staged, and the default says what blocks."""
    project.agrees = False
    project.repo.commit({"shop.py": BASE})
    project.repo.stage({"shop.py": CHANGE})
    return project


def only(judged: Judged) -> dict[str, Any]:
    (finding,) = judged.findings
    return finding


def test_proved_finding_blocks_with_its_reproducer(shop: Project, tmp_path: Path) -> None:
    server = shop.models(reviewer(DIVIDES, tests=[RATE_TEST]))
    judged = shop.judge()
    finding = only(judged)
    assert (judged.code, finding["evidence"], finding["blocking"]) == (1, "proved", True)
    assert phases(server.requests) == ["analyze", "verify", "reproduce"]
    assert (finding["proof"]["test"], finding["proof"]["path"]) == (RATE_TEST, "test_ralph_reproducer.py")
    assert finding["proof"]["on_change"].startswith("fails 3 of 3: ZeroDivisionError")
    assert finding["proof"]["on_base"] == "passes 3 of 3"
    shown = shop.run("show", "--proof", finding["id"])
    assert shown.code == 0
    assert "assert rate(1, 0) == 0" in shown.out
    assert "on the base: passes 3 of 3" in shown.out
    assert shop.run("show", "--proof", finding["id"], "--save", str(tmp_path / "test_rate.py")).code == 0
    assert (tmp_path / "test_rate.py").read_text(encoding="utf-8") == RATE_TEST
    again = shop.judge()
    assert (again.code, only(again)["evidence"]) == (1, "proved")
    assert len(server.requests) == 3
    assert shop.repo.git("status", "--porcelain") == "M  shop.py"


def test_every_format_carries_the_proof(shop: Project) -> None:
    shop.models(reviewer(DIVIDES, tests=[RATE_TEST]))
    id_ = only(shop.judge())["id"]
    printed = {name: shop.run("gate", "--format", name).out for name in FORMATS}
    assert [name for name, out in printed.items() if "proved" not in out] == []
    assert [name for name, out in printed.items() if "fails 3 of 3" not in out and name != "agent"] == []
    assert [name for name, out in printed.items() if "assert rate(1, 0) == 0" not in out] == ["text"]
    assert f"ralph-hooks show --proof {id_}" in " ".join(printed["text"].split())


def test_reproducer_that_passes_leaves_the_finding_unproved_and_the_commit_through(shop: Project) -> None:
    shop.models(reviewer(DIVIDES, tests=["import shop\ndef test_it():\n    assert shop.rate(1, 2) == 50\n"]))
    judged = shop.judge()
    finding = only(judged)
    assert (judged.code, finding["evidence"], finding["blocking"]) == (0, "unproved", False)
    assert finding["proof"]["reason"] == "the reproducer passes on the change"


def test_model_that_cannot_write_a_reproducer_leaves_advice(shop: Project) -> None:
    shop.models(reviewer(DIVIDES, tests=[{"cannot": "It needs a database."}]))
    finding = only(shop.judge())
    assert (finding["evidence"], finding["blocking"], finding["proof"]) == ("unproved", False, None)
    assert finding["note"] == "no reproducer: It needs a database."


def test_reproducer_that_does_not_load_is_asked_for_once_more(shop: Project) -> None:
    server = shop.models(reviewer(DIVIDES, tests=["from shop import rates\ndef test_it():\n    rates()\n", RATE_TEST]))
    assert only(shop.judge())["evidence"] == "proved"
    assert phases(server.requests) == ["analyze", "verify", "reproduce", "reproduce"]
    assert "cannot import name 'rates'" in server.requests[3].prompt


@pytest.mark.parametrize(
    ("because", "promises", "evidence"),
    [
        (PROMISE, True, "proved"),
        pytest.param(PROMISE, False, "shown", marks=MORE),
        pytest.param("", True, "shown", marks=MORE),
        pytest.param('shop.py: "Never said."', True, "shown", marks=MORE),
    ],
)
def test_difference_is_proved_only_by_a_promise_that_the_change_leaves_alone(
    shop: Project, because: str, *, promises: bool, evidence: str
) -> None:
    def holds(claim: str) -> bool:
        return promises or "promises" not in claim

    shop.models(reviewer(HOURS, tests=[{"test": DAYS_TEST, "because": because}], holds=holds))
    judged = shop.judge()
    assert only(judged)["evidence"] == evidence
    assert judged.code == (evidence == "proved")


@pytest.mark.long("six runs of a test")
def test_stated_intent_makes_a_difference_one_that_is_meant(shop: Project) -> None:
    shop.repo.stage({"NEWS.md": "A rate of nothing is an error from now on.\n"})

    def holds(claim: str) -> bool:
        return "Nothing in the stated intent" not in claim

    server = shop.models(reviewer(DIVIDES, tests=[RATE_TEST], holds=holds))
    judged = shop.judge()
    (finding,) = [finding for finding in judged.findings if finding["path"] == "shop.py"]
    assert (finding["evidence"], judged.code) == ("shown", 0)
    assert "A rate of nothing is an error" in server.requests[-1].prompt


@pytest.mark.parametrize(("allowed", "evidence"), first(1, [(False, "unproved"), (True, "proved")]))
def test_exception_in_new_code_needs_an_input_that_is_allowed(shop: Project, *, allowed: bool, evidence: str) -> None:
    shop.repo.stage({"shop.py": f"{BASE}\n\ndef first(items):\n    return items[0]\n"})
    test = "from shop import first\ndef test_first():\n    assert first([]) is None\n"
    finds = Finds("items[0]", "Fails where there are no items.")
    shop.models(reviewer(finds, tests=[test], holds=lambda claim: allowed or "allows the input" not in claim))
    finding = only(shop.judge())
    assert finding["evidence"] == evidence
    assert finding["proof"]["on_base"] == "not run: the code is new in this change"


@MORE
def test_exception_that_the_change_raises_on_purpose_needs_an_input_that_is_allowed(shop: Project) -> None:
    raising = BASE.replace("        return 0\n", "        raise ValueError(whole)\n")
    shop.repo.stage({"shop.py": raising})
    finds = Finds("raise ValueError", "Raises where it returned 0.")
    shop.models(reviewer(finds, tests=[RATE_TEST], holds=lambda claim: "allows the input" not in claim))
    assert only(shop.judge())["evidence"] == "shown"


@MORE
def test_old_bug_is_only_shown(shop: Project) -> None:
    shop.repo.commit({"shop.py": CHANGE})
    shop.repo.stage({"shop.py": CHANGE.replace("100 * part", "100.0 * part")})
    shop.models(reviewer(Finds("100.0", "Divides by zero."), tests=[RATE_TEST]))
    judged = shop.judge()
    assert (only(judged)["evidence"], judged.code) == ("shown", 0)


@pytest.mark.parametrize(
    ("block_on", "evidence", "code"),
    first(1, [("shown", "shown", 1), ("agreement", "agreed", 1), ("proof", "shown", 0), ("auto", "shown", 0)]),
)
def test_block_on_says_what_evidence_blocks(shop: Project, block_on: str, evidence: str, code: int) -> None:
    shop.repo.git("reset", "--hard")
    shop.configure(f'{TWO_LINES}[tool.ralph-hooks.gate]\nblock-on = "{block_on}"\n')
    server = shop.models(reviewer(HOURS, tests=[DAYS_TEST]))
    shop.repo.stage({"shop.py": CHANGE})
    judged = shop.judge()
    assert (only(judged)["evidence"], judged.code) == (evidence, code)
    assert ("reproduce" in phases(server.requests)) is (block_on != "agreement")


@pytest.mark.parametrize(("block_on", "code"), [("auto", 1), ("proof", 0)])
@pytest.mark.long("builds an environment")
def test_language_without_a_runner_stays_at_agreed(shop: Project, block_on: str, code: int) -> None:
    shop.repo.git("reset", "--hard")
    shop.configure(f'{TWO_LINES}[tool.ralph-hooks.gate]\nblock-on = "{block_on}"\n')
    server = shop.models(reviewer(Finds("puts", "Wrong."), tests=[]))
    shop.repo.stage({"a.rb": "puts 1\n"})
    judged = shop.judge()
    assert (only(judged)["evidence"], judged.code) == ("agreed", code)
    assert only(judged)["note"] == "no runner for reproducers of this file"
    assert phases(server.requests) == ["analyze", "verify"]


@MORE
def test_range_is_proved_as_a_staged_change_is(shop: Project) -> None:
    shop.repo.commit(message="Simplify the rate")
    server = shop.models(reviewer(DIVIDES, tests=[RATE_TEST]))
    judged = shop.judge("--from-ref", "HEAD~1", "--to-ref", "HEAD")
    assert (only(judged)["evidence"], judged.code) == ("proved", 1)
    assert "Simplify the rate" in server.requests[-1].prompt  # nothing in it says that the difference is meant


def test_no_repository_undoes_what_the_user_forbids(shop: Project) -> None:
    server = shop.models(reviewer(DIVIDES, tests=[]), user="[proof]\nenabled = false\n")
    shop.repo.git("reset", "--hard")
    shop.configure(f"{TWO_LINES}[tool.ralph-hooks.proof]\nenabled = true\n")
    shop.repo.stage({"shop.py": CHANGE})
    judged = shop.judge()
    assert (only(judged)["evidence"], judged.code) == ("agreed", 1)
    assert phases(server.requests) == ["analyze", "verify"]


def test_outage_of_the_proof_is_inconclusive_and_not_a_pass(shop: Project) -> None:
    def answer(request: Request) -> Reply:
        return Reply.refusal() if request.phase == "reproduce" else analyst(DIVIDES)(request)

    shop.models(answer)
    judged = shop.judge()
    assert (judged.verdict, only(judged)["evidence"]) == ("inconclusive", "agreed")
    assert "no reproducer" in judged.report["reason"]


def test_finding_that_no_time_is_left_for_stays_agreed_and_says_so(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove, "_LEAST", 1e6)  # seconds: more than any deadline
    server = shop.models(reviewer(DIVIDES, tests=[]))
    judged = shop.judge()
    finding = only(judged)
    assert (finding["evidence"], finding["blocking"], judged.verdict) == ("agreed", False, "inconclusive")
    assert finding["note"] == prove.NO_TIME
    assert phases(server.requests) == ["analyze", "verify"]


def test_outage_of_the_proof_closes_a_push(shop: Project) -> None:
    shop.repo.commit(message="Simplify the rate")
    shop.models(lambda r: Reply.refusal() if r.phase == "reproduce" else analyst(DIVIDES)(r))
    judged = shop.judge("--from-ref", "HEAD~1", "--to-ref", "HEAD")
    assert (judged.verdict, judged.code) == ("inconclusive", 3)


def test_clean_change_costs_no_request_and_no_process(shop: Project) -> None:
    shop.models(reviewer(tests=[]))
    with counted() as usual:
        assert shop.judge().code == 0
    shop.repo.stage({"shop.py": f"{CHANGE}\n# another change\n"})
    server = shop.models(reviewer(tests=[]), user="[proof]\nenabled = false\n")
    with counted() as without:
        assert shop.judge().code == 0
    assert phases(server.requests) == ["analyze"]
    assert len(usual) == len(without) > 0


def runs(started: Sequence[str]) -> int:
    return sum("ralph_hooks_probe" in line for line in started)


def test_proof_costs_one_request_and_six_runs_and_shares_those_of_the_base(shop: Project) -> None:
    server = shop.models(reviewer(DIVIDES, tests=[RATE_TEST, RATE_TEST]))
    with counted() as started:
        assert only(shop.judge())["evidence"] == "proved"
    assert (runs(started), phases(server.requests)) == (6, ["analyze", "verify", "reproduce"])
    shop.repo.stage({"shop.py": CHANGE.replace("100 * part", "100.0 * part")})
    with counted() as started:
        assert only(shop.judge())["evidence"] == "proved"
    assert runs(started) == 3


@MORE
def test_findings_with_the_same_reproducer_share_the_runs_on_the_base(shop: Project) -> None:
    shop.models(reviewer(DIVIDES, HOURS, tests=[RATE_TEST, RATE_TEST]))
    with counted() as started:
        assert [finding["evidence"] for finding in shop.judge().findings] == ["proved", "proved"]
    assert runs(started) == 9


def test_missing_test_program_leaves_the_finding_agreed_and_says_so(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    assert git is not None
    folder = shop.home / "bin"
    folder.mkdir(parents=True)
    (folder / "git").symlink_to(git)
    server = shop.models(reviewer(Finds("return items[0]", "Fails where there are no items."), tests=[]))
    shop.repo.git("reset", "--hard")
    shop.repo.commit({"go.mod": "module example.com/shop\n"})
    shop.repo.stage({"a.go": "package shop\n\nfunc First(items []int) int {\n\treturn items[0]\n}\n"})
    monkeypatch.setenv("PATH", str(folder))
    judged = shop.judge()
    finding = only(judged)
    assert (judged.code, finding["evidence"]) == (1, "agreed")
    assert finding["note"] == "no reproducer can be run: go is not installed"
    assert phases(server.requests) == ["analyze", "verify"]
