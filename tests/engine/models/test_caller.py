"""A coding agent is one more model to the books: budget, ledger, deadline and redaction hold for it as well."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.cost_summary import Total
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.route import Model, Phase, Provider, Wire
from ralph_hooks.core.usage import Price
from ralph_hooks.engine.models.caller import Caller, Unanswered
from ralph_hooks.git.sandbox.workbench import GitWorkbench
from ralph_hooks.git.snapshot import open_repository, staged
from ralph_hooks.phases.question import Question
from ralph_hooks.providers import registry
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.ledger import Caps, StoredLedger, statement
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.trust.redaction import Redaction
from tests.support import agent as stand_in
from tests.support.asking import model
from tests.support.credentials import SERVICES
from tests.support.project import Project
from tests.support.server import ModelServer, Reply

PROGRAM = str(Path(stand_in.__file__))
Callers = Callable[..., Caller]


def an_agent(*behaviour: str) -> Model:
    return Model(Provider(name="helper", wire=Wire.AGENT, command=(sys.executable, "-P", PROGRAM, *behaviour)), "opus")


@pytest.fixture
def bench(project: Project) -> Iterator[GitWorkbench]:
    project.repo.commit({"a.py": "one\n"})
    opened = open_repository(project.repo.stage({"a.py": "one\ntow\n"}).path)
    with GitWorkbench(opened, staged(opened).change, timeout=60) as made:
        yield made


@pytest.fixture
def database(project: Project) -> Iterator[Database]:
    with Database(project.home / "state") as opened:
        yield opened


@pytest.fixture
def caller(project: Project, database: Database) -> Callers:
    def build(*, seconds: float = 60.0, caps: Caps | None = None, prices: dict[str, Price] | None = None) -> Caller:
        store = Verdicts(database)
        known_as = RepositoryId.at(project.repo.path)
        return Caller(
            client=registry.client(os.environ),
            store=store,
            ledger=StoredLedger(State(database), run="r1", repository=known_as, command="fix", caps=caps or Caps()),
            prices=Catalogue(prices or {}, store),
            redactor=Redaction(),
            deadline=Deadline(seconds, time.monotonic),
            run="r1",
            sleep=time.sleep,
            now=time.time,
        )

    return build


def booked(database: Database) -> Total:
    return statement(State(database)).whole


def test_an_agents_work_is_in_the_books_with_what_it_says_it_cost(
    caller: Callers, bench: GitWorkbench, database: Database
) -> None:
    asked = caller()
    assert asked.run_agent(an_agent("repair", "a.py", "tow", "two"), Phase.IMPLEMENT, "Mend it.", bench) == (
        "The loop now ends."
    )
    [call] = asked.calls
    assert (call.phase, call.model, call.outcome) == ("implement", "helper/opus", "ok")
    assert (call.input_tokens, call.cached_input_tokens, call.output_tokens) == (32_100, 30_000, 400)
    assert call.cost_usd == Decimal("0.0421")
    total = booked(database)
    assert (total.calls, total.cost_usd, total.unknown) == (1, Decimal("0.0421"), 0)


def test_an_agent_that_does_not_say_what_it_used_has_an_unknown_cost_and_not_none(
    caller: Callers, bench: GitWorkbench, database: Database
) -> None:
    asked = caller()
    asked.run_agent(an_agent("mute", "a.py", "tow", "two"), Phase.FIX, "Mend it.", bench)
    assert bench.read("a.py") == b"one\ntwo\n"
    assert asked.calls[0].cost_usd is None
    total = booked(database)
    assert (total.calls, total.cost_usd, total.unknown) == (1, Decimal(0), 1)


def test_an_agent_that_is_stopped_is_in_the_books_at_an_unknown_cost(
    caller: Callers, bench: GitWorkbench, database: Database
) -> None:
    asked = caller(seconds=0.5)
    with pytest.raises(model_errors.DeadlineReached):
        asked.run_agent(an_agent("hang"), Phase.IMPLEMENT, "Mend it.", bench)
    assert [(call.outcome, call.cost_usd) for call in asked.calls] == [("deadline", None)]
    with pytest.raises(model_errors.DeadlineReached):
        asked.run_agent(an_agent("repair", "a.py", "tow", "two"), Phase.IMPLEMENT, "Mend it.", bench)
    assert booked(database).unknown == 1


def test_an_agent_is_not_started_once_the_budget_is_used_up(caller: Callers, bench: GitWorkbench) -> None:
    asked = caller(caps=Caps(per_run=Decimal("0.05")))
    asked.run_agent(an_agent("note", "a.py"), Phase.IMPLEMENT, "Mend it.", bench)
    asked.run_agent(an_agent("note", "a.py"), Phase.IMPLEMENT, "Mend it.", bench)
    bench.reset()
    with pytest.raises(model_errors.BudgetReached):
        asked.run_agent(an_agent("repair", "a.py", "tow", "two"), Phase.IMPLEMENT, "Mend it.", bench)
    assert bench.read("a.py") == b"one\ntow\n"


def test_a_secret_is_taken_out_of_the_task(caller: Callers, bench: GitWorkbench, tmp_path: Path) -> None:
    noted = tmp_path / "noted.json"
    key = SERVICES["AWS access key id"](random.Random(1))
    caller().run_agent(an_agent("note", str(noted)), Phase.IMPLEMENT, f"The key {key} is wrong.", bench)
    assert json.loads(noted.read_text())["task"] == "The key <secret-1> is wrong."


class Summary(msgspec.Struct, frozen=True):
    summary: str


def question() -> Question[str]:
    return Question(
        phase=Phase.IMPLEMENT,
        system="You repair.",
        prompt="Mend it.",
        shape=Summary,
        read=lambda data: msgspec.json.decode(data, type=Summary).summary,
        max_output=100,
    )


def test_along_a_chain_an_agent_that_fails_is_followed_by_the_next_model(caller: Callers, bench: GitWorkbench) -> None:
    asked = caller()
    broken, missing = an_agent("fail"), Model(Provider(name="gone", wire=Wire.AGENT, command=("no-such-agent",)), "x")
    with ModelServer(Reply.json_text({"summary": "by the model"})) as server:
        chain = (missing, broken, model("openai", server.url))
        answer = asked.ask(
            question(),
            chain,
            by_agent=lambda agent, until: asked.run_agent(agent, Phase.IMPLEMENT, "Mend it.", bench, until),
        )
    assert (answer[0], answer[1].id) == ("by the model", "scripted/small-1")
    assert [(call.model, call.outcome) for call in asked.calls] == [
        ("helper/opus", "no-credential"),
        ("scripted/small-1", "ok"),
    ]


def test_where_all_of_a_chain_fails_each_is_told_with_its_reason(caller: Callers, bench: GitWorkbench) -> None:
    asked = caller()
    with pytest.raises(Unanswered, match=r"helper/opus: python.*: Invalid API key: please log in"):
        asked.ask(
            question(),
            (an_agent("fail"),),
            by_agent=lambda agent, until: asked.run_agent(agent, Phase.IMPLEMENT, "Mend it.", bench, until),
        )
