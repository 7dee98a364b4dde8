"""A budget is never overshot: not by calls side by side, nor by processes, nor by a price that nobody knows."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.asking import KEY_NAME, WIRES
from tests.support.matrix import first, product
from tests.support.patience import PATIENCE
from tests.support.project import BIN, TWO_LINES, Project
from tests.support.server import Finds, ModelServer, Reply, Request, analyst
from tests.support.store import Processes, let_go_together

CLEAN = "def add(a, b):\n    return a + b\n"
LONG = "".join(f"def step_{number}(value):\n    return value + {number}\n\n\n" for number in range(900))
"""A file that fills a request of its own: it costs about $0.04 at worst."""

SPEND = """
import json, sys, time
from decimal import Decimal
from pathlib import Path
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.core.usage import Price
from ralph_hooks.engine.models.caller import Caller, Unanswered
from ralph_hooks.phases import verify
from ralph_hooks.providers import registry
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.store.ledger import Caps, StoredLedger
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.trust.redaction import Redaction
folder, name, url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
model = Model(Provider(name="scripted", wire=Wire.OPENAI, base_url=url, api_key_env="SCRIPTED_KEY"), "small")
with Database(folder) as database:
    store = Verdicts(database)
    caller = Caller(
        client=registry.client({"SCRIPTED_KEY": "made-up"}), store=store,
        ledger=StoredLedger(State(database), run=name, repository=RepositoryId("r" + name, name), command="gate",
                      caps=Caps(per_day=Decimal("0.40"), per_month=Decimal(100))),
        prices=Catalogue({"scripted/small": Price(input=Decimal(1), output=Decimal(2))}, store), redactor=Redaction(),
        deadline=Deadline(60, time.monotonic), run=name, sleep=time.sleep, now=time.time,
    )
    question = verify.question([verify.Claim("It is so.", "+1 " + "x = 1; " * 800)], "abc")
    print("ready", flush=True)
    sys.stdin.readline()
    answered, said = 0, ""
    while not said:
        try:
            caller.ask(question, (model,))
            answered += 1
        except Unanswered as fault:
            said = f"{fault.cause.value} {fault}"
print(json.dumps([answered, said]))
"""


@pytest.fixture
def start() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.end()


def outcomes(project: Project) -> list[tuple[str, int | None, int]]:
    with closing(sqlite3.connect(project.home / "state" / "state.db")) as database:
        return database.execute("SELECT outcome, cost, estimated FROM calls WHERE remembered = 0").fetchall()


def budget(*lines: str) -> str:
    return "[budget]\n" + "\n".join(lines) + "\n"


def test_eight_processes_at_once_stay_under_the_cap_at_every_moment(tmp_path: Path, start: Processes) -> None:
    """They share a day's budget; whoever is turned away is told so, and nothing is left that a call would fit in."""
    state = tmp_path / "state"
    totals: list[int] = []

    def answer(request: Request) -> Reply:
        with closing(sqlite3.connect(state / "state.db", timeout=PATIENCE)) as database:
            totals.append(database.execute("SELECT sum(cost) FROM calls").fetchone()[0])
        usage = {"prompt_tokens": len(request.raw) * 3 // 4, "completion_tokens": 2048}  # as bad as it can be, nearly
        verdict = {"id": "C1", "holds": True, "confidence": 1, "reason": "It is."}
        return Reply.json_text({"verdicts": [verdict]}, usage=usage)

    with ModelServer(answer) as server:
        processes = [start(SPEND, state, f"p{number}", server.url) for number in range(8)]
        let_go_together(processes)
        ended = [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in processes]
    with closing(sqlite3.connect(state / "state.db")) as database:
        rows = database.execute("SELECT outcome, cost FROM calls").fetchall()
    spent = sum(cost for _, cost in rows)
    cap = 400_000_000_000  # 1e-12 US dollars
    assert max(totals) <= cap
    assert spent <= cap
    assert spent > cap - 2 * max(cost for _, cost in rows)
    assert len(rows) == len(server.requests) == sum(answered for answered, _ in ended) > 20
    assert {outcome for outcome, _ in rows} == {"ok"}
    for _, said in ended:
        assert said.startswith("budget scripted/small: the budget per day is $0.40: $0.")


def test_calls_that_do_not_fit_side_by_side_go_one_after_the_other(project: Project) -> None:
    """At their worst they would cost several times the budget; what they really cost fits into it."""
    server = project.models(analyst(), user=budget("per-run = 0.15"))
    project.repo.stage({f"{name}.py": f"# {name}\n{LONG}" for name in "abcd"})
    judged = project.judge()
    assert judged.verdict == "pass"
    assert len(server.requests) == 40
    assert judged.report["cost_usd"] < 0.15


@pytest.mark.parametrize(
    ("wire", "policy", "period"), product(WIRES, ["open", "closed"], ["run", "day", "month"], together=2)
)
def test_a_budget_that_is_reached_has_its_own_words(project: Project, wire: str, policy: str, period: str) -> None:
    code = {"open": 0, "closed": 3}[policy]
    user = budget(f"per-{period} = 0.001") + f'[gate]\nwhen-unavailable = "{policy}"\n'
    server = project.models(analyst(), wire=wire, user=user)
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert (judged.code, judged.verdict, judged.causes) == (code, "inconclusive", {"a.py": "budget"})
    assert server.requests == []
    reason = judged.report["reason"]
    assert reason.startswith("the budget is reached, so no model reviewed 1 file: scripted/cheap: ")
    assert f"the budget per {period} is $0.001: $0.00 are spent or reserved, and this call may cost $0.0" in reason
    assert f"(budget.per-{period} raises it)" in reason
    screen = project.run("gate").out
    assert f"ralph-hooks: NOT REVIEWED: {project.last()['reason']}" in screen
    assert ("raise the budget named above, or wait" in screen) is (policy == "closed")
    assert outcomes(project) == []


def test_the_next_model_may_be_cheap_enough(project: Project) -> None:
    project.configure('[tool.ralph-hooks.models]\nanalyze = ["scripted/big", "scripted/cheap"]\n')
    project.models(analyst(), user=budget("per-run = 0.02"))
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert judged.verdict == "pass"
    assert [call["model"] for call in judged.sent] == ["scripted/cheap"]
    assert "scripted/cheap answered instead of scripted/big: the budget per run is $0.02" in judged.notices


def test_what_was_really_used_counts_even_above_the_worst_case(project: Project) -> None:
    usage = {"prompt_tokens": 90_000, "completion_tokens": 100}
    project.models(Reply.json_text({"findings": []}, usage=usage), user=budget("per-run = 1", "per-day = 0.091"))
    project.repo.stage({"a.py": CLEAN})
    assert project.judge().report["cost_usd"] == 0.0902
    project.repo.stage({"b.py": CLEAN})
    judged = project.judge()
    assert judged.causes == {"b.py": "budget"}
    assert "the budget per day is $0.091: $0.0902 are spent" in judged.report["reason"]


def test_a_price_that_is_not_known_is_told_and_may_be_refused(project: Project) -> None:
    project.configure(TWO_LINES.replace("scripted/cheap", "scripted/secret-price"))
    server = project.models(analyst())
    project.repo.stage({"a.py": CLEAN})
    screen = project.run("gate").out
    assert "cost unknown (no price for scripted/secret-price), not counted in budgets" in screen
    project.models(analyst(), user=budget('unpriced = "refuse"'))
    project.repo.stage({"b.py": CLEAN})
    judged = project.judge()
    assert judged.causes["b.py"] == "budget"
    said = 'scripted/secret-price has no known price, and budget.unpriced is "refuse": set prices."scripted/secret-'
    assert said in judged.report["reason"]
    assert len(server.requests) == 1


def test_a_price_of_ones_own_is_what_counts(project: Project) -> None:
    project.configure(TWO_LINES.replace("scripted/cheap", "scripted/secret-price"))
    price = '[prices."scripted/secret-price"]\ninput = 1000\noutput = 0\n'
    usage = {"prompt_tokens": 1000, "completion_tokens": 9}
    reply = Reply.json_text({"findings": []}, usage=usage)
    project.models(reply, user=price + budget('unpriced = "refuse"', "per-run = 5"))
    project.repo.stage({"a.py": CLEAN})
    assert project.judge().report["cost_usd"] == 1.0


@pytest.mark.parametrize("sent", [0, 900])
def test_zero_tokens_beside_an_answer_use_up_a_budget(project: Project, sent: int) -> None:
    usage = {"prompt_tokens": sent, "completion_tokens": 0, "cost": 0}
    project.models(Reply.json_text({"findings": []}, usage=usage), user=budget("per-day = 0.012"))
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert judged.verdict == "pass"
    (call,) = judged.sent
    assert call["estimated"]
    assert call["input_tokens"] > 250
    assert call["cost_usd"] > 0.004
    project.repo.stage({"b.py": CLEAN})
    project.judge()
    project.repo.stage({"c.py": CLEAN})
    assert project.judge().causes["c.py"] == "budget"


def test_a_reply_without_a_limit_may_fill_the_context(project: Project) -> None:
    """Where the provider takes no limit, what it could use at worst is no longer what we asked for."""

    def picky(request: Request) -> Reply:
        if "max_tokens" in request.body:
            return Reply.status(400, {"error": {"message": "Unknown parameter: max_tokens"}})
        return Reply.json_text({"findings": []}, with_usage=False)

    project.models(picky)
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert [(call["outcome"], call["output_tokens"]) for call in judged.sent] == [("rejected", 0), ("ok", 128_000)]
    assert judged.report["cost_usd"] > 0.256


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_a_run_that_is_interrupted_leaves_its_books_in_order(project: Project) -> None:
    server = project.models(Reply.hang())
    project.repo.stage({"a.py": CLEAN})
    with subprocess.Popen(
        [BIN / "ralph-hooks", "gate"],
        cwd=project.repo.path,
        env=project.environ,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not server.requests and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors
    ((outcome, cost, estimated),) = outcomes(project)
    assert (outcome, estimated) == ("abandoned", 1)
    assert cost is not None
    assert cost > 0


SMALL = "context = 4096\ncuts = true\n"
FUNCTION = "def step_{0}(value):\n    if value > {0}:\n        return value - {0}\n    return eval(value)\n\n\n"
MANY = "".join(map(FUNCTION.format, range(60)))


@pytest.mark.parametrize(
    "code", first(1, [MANY.replace("value", "значение"), MANY, MANY.replace("step", "x0123456789" * 3)])
)
def test_nothing_is_sent_that_a_small_context_would_cut(project: Project, code: str) -> None:
    """Whatever a tokenizer makes of it fits beside the reply, and every line is asked about all the same."""
    server = project.models(analyst(Finds("eval(", "Runs it.")))
    config = project.home / "config.toml"
    config.write_text(
        config.read_text(encoding="utf-8").replace(f'"{KEY_NAME}"\n', f'"{KEY_NAME}"\n{SMALL}'), encoding="utf-8"
    )
    project.repo.stage({"a.py": code})
    judged = project.judge()
    assert judged.verdict == "fail"
    assert len(judged.blocking) == 60
    assert len(server.requests) > 3
    for request in server.requests:
        assert _at_worst(request.system + request.prompt) + request.body["max_tokens"] <= 4096
        assert request.body["max_tokens"] >= 512


def _at_worst(text: str) -> float:
    """Tokens, as docs/reliability.md has them."""
    data = text.encode()
    letters = sum(byte < 128 and chr(byte).isalpha() for byte in data)
    blanks = data.count(b" ") + data.count(b"\t")
    return min(len(data), letters * 0.8 + blanks * 0.5 + (len(data) - letters - blanks) * 1.2)


def test_a_line_that_fits_nowhere_is_not_judged(project: Project) -> None:
    server = project.models(analyst())
    config = project.home / "config.toml"
    config.write_text(
        config.read_text(encoding="utf-8").replace(f'"{KEY_NAME}"\n', f'"{KEY_NAME}"\n{SMALL}'), encoding="utf-8"
    )
    project.repo.stage({"a.js": f"let table = [{'1, 2, 3, ' * 2_000}];\n", "b.py": CLEAN})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert judged.causes == {"a.js": "unavailable"}
    assert "the request may be too large for the 4,096 tokens of cheap, which would cut it" in judged.report["reason"]
    assert [request.prompt.count("###") for request in server.requests] == [1]
