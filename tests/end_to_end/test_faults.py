"""No fault is ever a pass. The table says what each one leads to; the tests below run it against real servers.

Every row holds in both wire formats, at every phase that a gate has, under both policies, with nobody to fall back on
and with somebody: the change has a bug, which a model that answers reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.support.asking import KEY, KEY_NAME, WIRES
from tests.support.matrix import covering, every, product
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.repairs import Crew, plan, repair
from tests.support.repo import Repo
from tests.support.server import JSON, Exchange, Reply
from tests.support.world import (
    BUG,
    FIRST,
    MALFORMED,
    PHASES,
    PRICE,
    REPAIRS,
    SECOND,
    Judgement,
    World,
    host,
    new_world,
    repository,
)

POLICIES = {"open": 0, "closed": 3}
"""With the exit code of a change that nobody could judge."""


def error(message: str, **fields: JSON) -> dict[str, JSON]:
    return {"error": {"message": message, **fields}}


def finding(**changes: JSON) -> Reply:
    """A reply that reports something."""
    plain = {"path": "a.py", "line": 3, "category": "bug", "severity": "error", "confidence": 0.9}
    return Reply.json_text({"findings": [{**plain, "message": "Wrong.", "quote": "items[:-1]", **changes}]})


@dataclass(frozen=True)
class Row:
    """One fault of the first model, what is done about it and what the user reads."""

    name: str
    reply: Reply
    said: str
    """In the sentence. ``HOST`` stands for where the server is."""
    outcomes: tuple[str, ...]
    """The first model's rows in the ledger."""
    waits: tuple[float, ...] = ()
    """Seconds before each retry, at least; retries without any are quick."""
    charged: str = "nothing"
    """``nothing``, ``worst`` (nobody said what was used) or ``used``."""
    phases: tuple[str, ...] = PHASES


OUTAGE = ("unreachable",) * 3
TWICE = ("unreadable",) * 2


def slow_down() -> Reply:
    """Come back in 5 seconds, as a date: counted from the moment of the answer."""

    def act(exchange: Exchange) -> None:
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)
        Reply.status(429, error("Slow down"), {"Retry-After": soon}).act(exchange)

    return Reply(act)


ROWS = (
    # May be gone in a moment: two retries, then the next model.
    Row("reset", Reply.reset(), "HOST closed the connection (3 tries)", OUTAGE),
    Row("408", Reply.status(408), "HOST answered 408 (3 tries)", OUTAGE),
    Row("409", Reply.status(409, error("Busy.")), "HOST answered 409: Busy. (3 tries)", OUTAGE),
    Row("500", Reply.status(500, b"<html>Oops</html>"), "HOST answered 500 (3 tries)", OUTAGE),
    Row("503", Reply.status(503, error("Overloaded")), "HOST answered 503: Overloaded (3 tries)", OUTAGE),
    Row("529", Reply.status(529, error("Overloaded")), "HOST answered 529: Overloaded (3 tries)", OUTAGE),
    Row("error in a 200", Reply.status(200, error("Upstream is down")), "Upstream is down (3 tries)", OUTAGE),
    # It says itself when to come back.
    Row("429", Reply.status(429, error("Slow down")), "HOST answered 429: Slow down", ("rate-limited",)),
    Row(
        "429, seconds that fit",
        Reply.status(429, error("Slow down"), {"Retry-After": "7"}),
        "HOST answered 429: Slow down (3 tries)",
        ("rate-limited",) * 3,
        waits=(7, 7),
    ),
    Row(
        "429, a date that fits",
        slow_down(),
        "HOST answered 429: Slow down",
        ("rate-limited",) * 3,
        waits=(0.001, 0.001),
    ),
    Row(
        "429, too late",
        Reply.status(429, error("Slow down"), {"Retry-After": "3600"}),
        "HOST answered 429: Slow down",
        ("rate-limited",),
    ),
    # The same request would fail in the same way.
    Row("401", Reply.status(401), f"HOST rejected the key in {KEY_NAME} (401)", ("denied",)),
    Row("402", Reply.status(402, error("No credit")), "HOST answered 402: No credit", ("denied",)),
    Row("403", Reply.status(403, error("Not you")), "HOST answered 403: Not you", ("denied",)),
    Row("404", Reply.status(404), "HOST does not serve the model 'small'", ("not-found",)),
    Row("400", Reply.status(400, error("Something is off")), "HOST answered 400: Something is off", ("rejected",)),
    Row("422", Reply.status(422, error("Something is off")), "HOST answered 422: Something is off", ("rejected",)),
    Row("413", Reply.status(413), "the request is too large for small", ("too-large",)),
    Row(
        "context too long",
        Reply.status(400, error("This model's maximum context length is 8192 tokens.")),
        "the request is too large for small",
        ("too-large",),
    ),
    # No reply of the wire format, or none of the shape that was asked for: asked once more.
    Row("html", Reply.html(), "HOST sent a web page (2 tries)", TWICE, charged="worst"),
    Row("broken json", Reply.truncated_json(), "not from a model API (2 tries)", TWICE, charged="worst"),
    Row("bad gzip", Reply.bad_gzip(), "broken compression (2 tries)", TWICE, charged="worst"),
    Row("200 MB of gzip", Reply.gzip_bomb(), "HOST sent more than 8 MiB (2 tries)", TWICE, charged="worst"),
    Row("short body", Reply.short_body(), "an incomplete reply (2 tries)", TWICE, charged="worst"),
    Row("no content", Reply.status(204, b""), "not from a model API (2 tries)", TWICE, charged="worst"),
    Row("no answer in it", Reply.status(200, {}), "a reply without an answer in it (2 tries)", TWICE, charged="worst"),
    Row("a list", Reply.text("[]"), "the reply does not match the requested schema", TWICE, charged="used"),
    Row(
        "prose",
        Reply.text("Looks good to me!"),
        'answered in prose, not in JSON: "Looks good to me!"',
        TWICE,
        charged="used",
    ),
    Row(
        "a verdict",
        Reply.text('{"approved": true}'),
        "the reply does not match the requested schema",
        TWICE,
        charged="used",
    ),
    Row(
        "null",
        Reply.text('{"findings": null, "verdicts": null}'),
        "not match the requested schema",
        TWICE,
        charged="used",
    ),
    Row(
        "an error beside nothing",
        Reply.text('{"findings": [], "error": "timeout"}'),
        "unknown field `error`",
        TWICE,
        charged="used",
        phases=("analyze",),
    ),
    Row(
        "a list by another name",
        Reply.text('{"findings": [], "issues": [{"path": "a.py"}]}'),
        "unknown field `issues`",
        TWICE,
        charged="used",
        phases=("analyze",),
    ),
    Row(
        "an error beside a verdict",
        Reply.json_text(
            {"verdicts": [{"id": "C1", "holds": False, "confidence": 1, "reason": "No."}], "error": "timeout"}
        ),
        "unknown field `error`",
        TWICE,
        charged="used",
        phases=("verify",),
    ),
    Row(
        "cut short",
        Reply.text('{"findings": [], "verdicts": ['),
        "not match the requested schema",
        TWICE,
        charged="used",
    ),
    # More room may help: asked once more with twice as much.
    Row("length", Reply.length(), "was cut off at its token limit (2 tries)", ("truncated",) * 2, charged="used"),
    Row(
        "length, and whole so far",
        Reply.length('{"findings": [], "verdicts": []}'),
        "was cut off at its token limit (2 tries)",
        ("truncated",) * 2,
        charged="used",
    ),
    Row("empty", Reply.empty(), "small sent an empty answer (2 tries)", ("truncated",) * 2, charged="used"),
    # It will not say.
    Row("refusal", Reply.refusal(), "small declined to answer", ("refused",), charged="used"),
    Row(
        "refusal in prose",
        Reply.text("I'm sorry, but I can't help with reviewing this code."),
        "the model declined to answer: \"I'm sorry, but I can't help",
        ("refused",),
        charged="used",
    ),
    # It has not read all of it.
    Row(
        "tokens of a part",
        Reply.json_text(
            {"findings": [], "verdicts": []},
            usage={"prompt_tokens": 40, "completion_tokens": 9, "input_tokens": 40, "output_tokens": 9},
        ),
        "small read 40 of at least",
        ("too-large",),
        charged="worst",
    ),
    Row(
        "content filter",
        Reply.status(400, error("Filtered.", code="content_filter")),
        "a content filter of HOST rejected the request: Filtered.",
        ("refused",),
        charged="worst",
    ),
    # It speaks of something else.
    Row(
        "an invented path",
        finding(path="b.py"),
        "1 finding, none about code that is in the change (2 tries)",
        TWICE,
        charged="used",
        phases=("analyze",),
    ),
    Row("no path", finding(path=""), "none about code", TWICE, charged="used", phases=("analyze",)),
    Row("an invented line", finding(quote="os.system"), "none about code", TWICE, charged="used", phases=("analyze",)),
    Row("no such severity", finding(severity="bad"), "none about code", TWICE, charged="used", phases=("analyze",)),
    Row(
        "no verdict",
        Reply.json_text({"verdicts": []}),
        "the reply has no verdict for C1 (2 tries)",
        TWICE,
        charged="used",
        phases=("verify",),
    ),
    Row(
        "a verdict on another claim",
        Reply.json_text({"verdicts": [{"id": "C7", "holds": False, "confidence": 1, "reason": "No."}]}),
        "the reply has a verdict for C7, which is not a claim",
        TWICE,
        charged="used",
        phases=("verify",),
    ),
    Row(
        "two verdicts on one claim",
        Reply.json_text(
            {"verdicts": [{"id": "C1", "holds": held, "confidence": 1, "reason": "So."} for held in (True, False)]}
        ),
        "the reply contradicts itself about C1",
        TWICE,
        charged="used",
        phases=("verify",),
    ),
)
NEVER = {"hang": Reply.hang(), "drip": Reply.drip(), "slow headers": Reply.slow_headers()}


@dataclass(frozen=True)
class Broken:
    """A place that cannot be reached at all, or must not be."""

    name: str
    place: Callable[[World], str]
    """Its base URL."""
    said: str
    outcomes: tuple[str, ...]


UNREACHED = (
    Broken("refused", lambda _: f"http://127.0.0.1:{free_port()}/v1", "HOST refused the connection (3 tries)", OUTAGE),
    Broken("no address", lambda world: world.nameless(), "cannot resolve HOST (3 tries)", OUTAGE),
    Broken("no key", lambda world: world.without_key(), f"no key for scripted: set {KEY_NAME}", ()),
)
ONLY_THE_USER = (
    Broken("certificate", lambda world: world.secure().url, "certificate of HOST is not trusted", ("misconfigured",)),
    Broken("CA path", lambda world: world.no_authority(), "SSL_CERT_FILE is '/nowhere.pem'", ("misconfigured",)),
    Broken("no TLS", lambda world: world.good.url.replace("http", "https"), "does not speak TLS", ("misconfigured",)),
    Broken("redirect", lambda world: world.redirecting(), "redirects to elsewhere.example", ("misconfigured",)),
    Broken("key", lambda world: world.malformed_key(), f"the key in {KEY_NAME} is malformed", ()),
)


def named(value: object) -> str:
    return value if isinstance(value, str) else str(getattr(value, "name", value))


every_wire = pytest.mark.parametrize("wire", WIRES)
EVERY_ROW = [(row, phase) for row in ROWS for phase in row.phases]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return repository(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def world(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with new_world(repo, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def repairer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose repository is its own: a repair that is kept would be found by the next test."""
    with new_world(repository(tmp_path / "shop"), tmp_path, monkeypatch) as made:
        yield made


def assert_not_judged(judged: Judgement, said: str, policy: str) -> None:
    """Text and JSON say that nobody judged the change and why, and what the policy makes of it."""
    report = judged.report
    assert judged.ran.code == POLICIES[policy]
    assert (report["verdict"], report["exit_code"]) == ("inconclusive", POLICIES[policy])
    assert said in report["reason"]
    first, second = judged.ran.out.splitlines()[:2]
    assert first == f"ralph-hooks: NOT REVIEWED: {report['reason']}"
    which = "no-key" if "no key for" in said and "no-key" in second else "unavailable"
    assert f'because when-{which} is "{policy}"' in second
    assert second.removeprefix("ralph-hooks: ") in report["notices"]
    for word in ("PASS", "pass", "no blocking findings", "o issues"):
        assert word not in judged.ran.out
    assert not any(item["blocking"] for item in report["findings"])


def assert_found(judged: Judgement, said: str) -> None:
    """The next model has answered: the bug is reported, and who did not answer is told."""
    report = judged.report
    assert judged.ran.code == 1
    assert report["verdict"] == "fail"
    assert [item["message"] for item in report["findings"] if item["blocking"]] == ["The last item is left out."]
    (notice,) = [each for each in report["notices"] if each.startswith(f"{SECOND} answered instead of {FIRST}: ")]
    assert said in notice
    assert notice in judged.ran.out


def assert_booked(judged: Judgement, outcomes: tuple[str, ...], charged: str = "nothing") -> None:
    """The ledger has a row for every try, and the report says the same."""
    rows = judged.of(FIRST)
    assert tuple(row.outcome for row in rows) == outcomes
    for row in rows:
        assert row.cost is not None
        assert (row.cost > 0, row.estimated) == {"nothing": (0, 0), "worst": (1, 1), "used": (1, 0)}[charged]
    calls = [call for call in judged.report["calls"] if call["model"] == FIRST]
    assert [(call["outcome"], call["estimated"]) for call in calls] == [(row.outcome, row.estimated) for row in rows]
    for call, row in zip(calls, rows, strict=True):
        dollars = (call["input_tokens"] * PRICE["input"] + call["output_tokens"] * PRICE["output"]) / 1e6
        assert call["cost_usd"] == pytest.approx(dollars) == pytest.approx((row.cost or 0) / 1e12)


@pytest.mark.parametrize(
    ("row", "phase", "wire", "policy"),
    covering([(*row, wire, policy) for row in EVERY_ROW for wire in WIRES for policy in POLICIES], name=named),
)
def test_a_fault_with_nobody_to_fall_back_on_is_inconclusive(
    world: World, row: Row, phase: str, wire: str, policy: str
) -> None:
    server = world.serve(row.reply)
    world.configure(server.url, wire, phase=phase, policy=policy)
    judged = world.gate()
    assert_not_judged(judged, row.said.replace("HOST", host(server.url)), policy)
    assert_booked(judged, row.outcomes, row.charged)
    assert len(server.requests) == len(row.outcomes)
    waits = row.waits or (0.3, 0.6) * ("unreachable" in row.outcomes)
    assert [waited >= least for waited, least in zip(world.waits, waits, strict=True)] == [True] * len(waits)


@pytest.mark.parametrize(
    ("row", "phase", "wire"),
    every(2, covering([(*row, wire) for row in EVERY_ROW for wire in WIRES], seed=1, name=named)),
)
def test_a_fault_moves_along_the_chain_and_the_bug_is_found(world: World, row: Row, phase: str, wire: str) -> None:
    server = world.serve(row.reply)
    world.configure(server.url, wire, phase=phase, models=(FIRST, SECOND))
    judged = world.gate()
    assert_found(judged, row.said.replace("HOST", host(server.url)))
    assert_booked(judged, row.outcomes, row.charged)
    assert len(server.requests) == len(row.outcomes)


@pytest.mark.parametrize(
    ("broken", "wire", "phase", "policy"), product(UNREACHED, WIRES, PHASES, POLICIES, together=2, name=named)
)
def test_who_cannot_be_reached_judges_nothing(world: World, broken: Broken, wire: str, phase: str, policy: str) -> None:
    url = broken.place(world)
    world.configure(url, wire, phase=phase, policy=policy)
    judged = world.gate()
    assert_not_judged(judged, broken.said.replace("HOST", host(url)), policy)
    assert_booked(judged, broken.outcomes)
    world.configure(url, wire, phase=phase, policy=policy, models=(FIRST, SECOND))
    assert_found(world.gate(), "")


@pytest.mark.parametrize(("broken", "wire", "phase"), product(ONLY_THE_USER, WIRES, PHASES, name=named))
def test_what_only_the_user_can_mend_ends_the_run(world: World, broken: Broken, wire: str, phase: str) -> None:
    """No retry, no fallback, no verdict, whatever the policy is; and no key on the screen or in the state."""
    url = broken.place(world)
    world.configure(url, wire, phase=phase, policy="open", models=(FIRST, SECOND))
    ran, booked = world.refuse()
    assert ran.code == 2
    assert broken.said.replace("HOST", host(url)) in ran.err
    assert "-> fix the provider's settings" in ran.err
    assert tuple(row.outcome for row in booked if row.model == FIRST) == broken.outcomes
    assert [row for row in booked if row.model == SECOND] == []
    kept = b"".join(path.read_bytes() for path in (world.project.home / "state").iterdir() if path.is_file())
    for key in (KEY, MALFORMED):
        assert key not in ran.out + ran.err
        assert key.encode() not in kept


@every_wire
def test_a_private_authority_that_is_known_is_trusted(world: World, wire: str) -> None:
    world.trust()
    server = world.secure()
    world.configure(server.url, wire)
    assert world.gate().report["verdict"] == "fail"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "wire", "phase", "policy"),
    [
        ("hang", "openai", "analyze", "open"),
        ("hang", "anthropic", "verify", "closed"),
        ("drip", "anthropic", "analyze", "closed"),
        ("drip", "openai", "verify", "open"),
        ("slow headers", "openai", "analyze", "closed"),
        ("slow headers", "anthropic", "verify", "open"),
    ],
)
def test_what_never_ends_is_ended_by_the_deadline(world: World, name: str, wire: str, phase: str, policy: str) -> None:
    server = world.serve(NEVER[name])
    world.configure(server.url, wire, phase=phase, policy=policy, more="deadline = 1")
    world.begin_with(server)
    judged = world.gate()
    assert_not_judged(judged, "the deadline", policy)
    assert_booked(judged, ("deadline",), "worst")
    assert len(server.requests) == 1


@pytest.mark.parametrize(("name", "wire", "phase"), [("hang", "openai", "analyze"), ("drip", "anthropic", "verify")])
def test_what_never_ends_leaves_the_next_model_its_share_of_the_time(
    world: World, name: str, wire: str, phase: str
) -> None:
    server = world.serve(NEVER[name])
    world.warm_up()
    world.configure(server.url, wire, phase=phase, models=(FIRST, SECOND), more="deadline = 4")
    judged = world.gate()
    assert_found(judged, "no answer within ")
    assert_booked(judged, ("timeout",), "worst")


PROGRAM = {
    "503": (
        "open",
        0,
        "NOT REVIEWED: no model reviewed 1 file: scripted/small: HOST answered 503: Overloaded (3 tries)",
    ),
    "refusal": ("closed", 3, "NOT REVIEWED: no model reviewed 1 file: scripted/small: small declined to answer"),
    "200 MB of gzip": ("closed", 3, "HOST sent more than 8 MiB (2 tries)"),
    "401": ("open", 0, f"HOST rejected the key in {KEY_NAME} (401)"),
}


@pytest.mark.parametrize(("name", "wire"), product(PROGRAM, WIRES))
def test_the_installed_program_says_the_same(world: World, name: str, wire: str) -> None:
    policy, code, said = PROGRAM[name]
    server = world.serve(next(row.reply for row in ROWS if row.name == name))
    world.configure(server.url, wire, policy=policy)
    ran = world.project.program("gate")
    assert ran.code == code
    assert said.replace("HOST", host(server.url)) in ran.out
    assert ran.err == ""


def test_the_installed_program_ends_at_its_deadline(world: World) -> None:
    server = world.serve(Reply.hang())
    world.warm_up()
    world.configure(server.url, more="deadline = 2")
    ran = world.project.program("gate", timeout=PATIENCE)
    assert ran.code == 3
    assert re.search("NOT REVIEWED: no model reviewed 1 file: .*the deadline was reached", ran.out)
    assert ran.err == ""


# A repair: the verdict stands whatever becomes of it, and nothing is kept that nobody has proved.

MENDS = ("a.py", "items[:-1]", "items")
MISSES = ("a.py", "out += item", "out = out + item")


def crew(phase: str) -> Crew:
    """Models that repair the bug; with the first repair wrong where the ``fix`` phase is to be seen."""
    wrong = phase == "fix"
    still_there = iter([True, *[True] * wrong])  # asked before the repair, and after each try
    return Crew(
        BUG,
        planned=plan("a.py"),
        implement=[repair(MISSES if wrong else MENDS)],
        fix=[repair(MENDS)],
        holds=lambda _: next(still_there, False),
    )


KINDS = ("503", "429", "401", "404", "400", "413", "html", "prose", "length", "empty", "refusal")
"""A row for each way to go on after a fault: there is one caller, and the gate's phases have tried them all."""


@pytest.mark.parametrize(("name", "phase"), product(KINDS, REPAIRS))
def test_a_fault_in_a_repair_leaves_the_verdict_as_it_is(repairer: World, name: str, phase: str) -> None:
    row = next(row for row in ROWS if row.name == name)
    wire = WIRES[(KINDS.index(name) + REPAIRS.index(phase)) % 2]
    server = repairer.serve(row.reply)
    repairer.answer = crew(phase)
    repairer.configure(server.url, wire, phase=phase, more="[fix]\nattempts = 1\nrounds = 1")
    judged = repairer.mend()
    said = row.said.replace("HOST", host(server.url))
    assert_booked(judged, row.outcomes, row.charged)
    told = {rung["step"]: (rung["succeeded"], rung["outcome"]) for rung in judged.report["rungs"]}
    assert told[phase][0] is False
    assert said in told[phase][1]
    assert judged.report["verdict"] == "fail"
    if phase == "plan":  # a repair can do without
        assert judged.report["fix"]["files"] == 1
    else:
        assert judged.report["fix"] is None
        assert judged.ran.code == 1
        assert "not repaired: " in judged.ran.out


@pytest.mark.parametrize(("name", "phase"), product(("503", "401", "prose", "refusal"), REPAIRS))
def test_a_fault_in_a_repair_moves_along_the_chain(repairer: World, name: str, phase: str) -> None:
    row = next(row for row in ROWS if row.name == name)
    server = repairer.serve(row.reply)
    repairer.answer = crew(phase)
    repairer.configure(server.url, phase=phase, models=(FIRST, SECOND), more="[fix]\nattempts = 1\nrounds = 1")
    judged = repairer.mend()
    assert_booked(judged, row.outcomes, row.charged)
    assert judged.report["fix"]["files"] == 1
    assert [row.model for row in judged.booked if row.phase == phase][-1] == SECOND
