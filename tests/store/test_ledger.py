from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.cost_summary import Total
from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.models import Booked, Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.store.ledger import UNSETTLED, Caps, StoredLedger, Unrecorded, statement
from ralph_hooks.store.reports import Reports
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from tests.support.reports import report
from tests.support.store import Clock, Processes, let_go_together

CHEAP = "openrouter/deepseek/deepseek-v4-flash"
DEAR = "anthropic/claude-opus-4-5"
NO_CAPS = Caps()

SPEND = """
import json, sys
from decimal import Decimal
from pathlib import Path
from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Usage
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.store.ledger import Caps, StoredLedger
folder, name, settled = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
made = 0
with Database(folder) as database:
    ledger = StoredLedger(
        State(database), run=name, repository=RepositoryId("r" + name, name), command="gate",
        caps=Caps(per_day=Decimal("1.00"), per_month=Decimal("100")),
    )
    for _ in range(20):
        try:
            call = ledger.reserve(Reservation(run=name, phase=Phase.ANALYZE, model="a/b", worst_usd=Decimal("0.07")))
        except BudgetReached:
            continue
        made += 1
        if settled:
            ledger.settle(call, Usage(input_tokens=1, output_tokens=1), Decimal(settled), "ok", 0.1)
print(json.dumps(made))
"""

DIE_AFTER_RESERVING = """
import os, sys
from decimal import Decimal
from pathlib import Path
from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.store.ledger import Caps, StoredLedger
state = State(Database(Path(sys.argv[1])))
ledger = StoredLedger(state, run="r", repository=RepositoryId("k", "shop"), command="gate", caps=Caps())
ledger.reserve(Reservation(run="r", phase=Phase.IMPLEMENT, model="a/b", worst_usd=Decimal("0.30")))
os._exit(9)
"""


def opened(
    database: Database,
    caps: Caps = NO_CAPS,
    *,
    run: str = "run",
    name: str = "shop",
    clock: Clock | None = None,
) -> StoredLedger:
    return StoredLedger(
        State(database),
        run=run,
        repository=RepositoryId(f"key of {name}", name),
        command="gate",
        caps=caps,
        clock=clock or time.time,
    )


def reserve(ledger: StoredLedger, worst: str | None, *, run: str = "run", phase: Phase = Phase.ANALYZE) -> int:
    worst_usd = None if worst is None else Decimal(worst)
    return ledger.reserve(Reservation(run=run, phase=phase, model=CHEAP, worst_usd=worst_usd))


def tokens(given: int, replied: int = 0) -> Usage:
    return Usage(input_tokens=given, output_tokens=replied)


def spend(ledger: StoredLedger, usd: str, *, phase: Phase = Phase.ANALYZE, model: str = CHEAP, given: int = 1) -> None:
    call = ledger.reserve(Reservation(run="run", phase=phase, model=model, worst_usd=Decimal(usd)))
    ledger.settle(call, tokens(given), Decimal(usd), "ok", 0.5)


def whole(database: Database) -> Total:
    return statement(State(database)).whole


def test_five_phases_at_their_own_prices_against_one_expensive_model(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal(1)))
    for phase, count, price in (
        (Phase.ANALYZE, 25_000, "0.12"),
        (Phase.PLAN, 15_000, "0.20"),
        (Phase.IMPLEMENT, 30_000, "1.00"),
        (Phase.VERIFY, 15_000, "0.12"),
        (Phase.FIX, 15_000, "0.12"),
    ):
        cost = Price(input=Decimal(price), output=Decimal(price)).cost(tokens(count))
        call = reserve(ledger, "0.05", phase=phase)
        ledger.settle(call, tokens(count), cost, "ok", 1.0)
    total = whole(database)
    assert total.cost_usd == Decimal("0.0396")
    assert total.priced_at(Price(input=Decimal(15), output=Decimal(15))) == Decimal("1.50")
    assert [(each.name, each.cost_usd) for each in statement(State(database)).by_phase] == [
        ("analyze", Decimal("0.003")),
        ("verify", Decimal("0.0018")),
        ("plan", Decimal("0.003")),
        ("implement", Decimal("0.03")),
        ("fix", Decimal("0.0018")),
    ]


def test_ten_times_ten_cents_is_a_dollar(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("1.00")))
    for _ in range(10):
        spend(ledger, "0.1")
    assert whole(database).cost_usd == 1
    with pytest.raises(BudgetReached):
        spend(ledger, "0.000000000001")


@pytest.mark.parametrize(
    ("usd", "kept"),
    [
        ("0.000000000001", "0.000000000001"),
        ("0.0000000000001", "0.000000000001"),
        ("0.0000000000010000000000000000000000001", "0.000000000002"),
        ("123456.123456789012", "123456.123456789012"),
        ("0", "0"),
        ("1e-40", "0.000000000001"),
    ],
)
def test_money_is_exact_and_what_cannot_be_is_rounded_up(database: Database, usd: str, kept: str) -> None:
    spend(opened(database), usd)
    assert whole(database).cost_usd == Decimal(kept)


@pytest.mark.parametrize("nonsense", ["NaN", "Infinity", "-1", "-0.000001"])
def test_a_cost_that_is_none_leaves_the_worst_case(database: Database, nonsense: str) -> None:
    ledger = opened(database)
    ledger.settle(reserve(ledger, "0.25"), tokens(7), Decimal(nonsense), "ok", 1.0)
    total = whole(database)
    assert (total.cost_usd, total.estimated, total.usage.input_tokens) == (Decimal("0.25"), 1, 7)


def test_absurd_figures_from_a_provider_do_not_break_the_books(database: Database) -> None:
    ledger = opened(database)
    ledger.settle(reserve(ledger, "0.25"), tokens(10**40, -5), Decimal("1e9999"), "ok", 1.0)
    total = whole(database)
    assert total.cost_usd == 1_000_000
    assert total.usage.output_tokens == 0


def test_the_worst_case_is_replaced_by_what_happened(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("0.50")))
    call = reserve(ledger, "0.40")
    with pytest.raises(BudgetReached):
        reserve(ledger, "0.20")
    usage = Usage(input_tokens=1_000, cached_input_tokens=300, cache_write_tokens=20, output_tokens=50)
    ledger.settle(call, usage, Decimal("0.05"), "ok", 1.5)
    reserve(ledger, "0.20")
    rows = database.query(
        "SELECT phase, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, cost, estimated,"
        " outcome, seconds, repository_name, command FROM calls"
    )
    assert rows == [
        ("analyze", CHEAP, 1_000, 300, 20, 50, 50_000_000_000, 0, "ok", 1.5, "shop", "gate"),
        ("analyze", CHEAP, 0, 0, 0, 0, 200_000_000_000, 1, UNSETTLED, 0.0, "shop", "gate"),
    ]


@pytest.mark.parametrize(
    ("caps", "named", "key"),
    [
        (Caps(per_run=Decimal("0.50")), "the budget per run is $0.50: $0.45 are", "per-run"),
        (Caps(per_day=Decimal("0.5")), "the budget per day is $0.50: $0.45 are", "per-day"),
        (Caps(per_month=Decimal("0.475")), "the budget per month is $0.475: $0.45 are", "per-month"),
    ],
)
def test_a_budget_that_is_reached_says_which_how_much_what_is_spent_and_which_key_raises_it(
    database: Database, caps: Caps, named: str, key: str
) -> None:
    ledger = opened(database, caps)
    spend(ledger, "0.2")
    reserve(ledger, "0.25")
    with pytest.raises(BudgetReached) as caught:
        reserve(ledger, "0.0512345678")
    said = f"{named} spent or reserved, and this call may cost $0.051235 (budget.{key} raises it)"
    assert str(caught.value) == said
    assert whole(database).calls == 2


@pytest.mark.parametrize("caps", [Caps(per_day=Decimal(1)), Caps(per_month=Decimal(1))])
@pytest.mark.parametrize("phase", [Phase.PLAN, Phase.IMPLEMENT, Phase.FIX])
def test_repairs_stop_before_the_gate_does(database: Database, caps: Caps, phase: Phase) -> None:
    """The last fifth is for judging: a gate without money lets everything through, or nothing."""
    ledger = opened(database, caps)
    reserve(ledger, "0.80", phase=phase)
    with pytest.raises(BudgetReached, match=r"is \$1\.00, of which \$0\.20 are kept for reviews: \$0\.80 are spent"):
        reserve(ledger, "0.01", phase=phase)
    for judging in (Phase.ANALYZE, Phase.VERIFY):
        reserve(ledger, "0.10", phase=judging)
    with pytest.raises(BudgetReached):
        reserve(ledger, "0.01")


def test_a_runs_own_budget_is_for_repairs_too(database: Database) -> None:
    reserve(opened(database, Caps(per_run=Decimal(1))), "1.00", phase=Phase.IMPLEMENT)


def test_who_is_turned_away_knows_whether_to_wait(database: Database) -> None:
    """Only calls of one's own that are under way can be waited for."""
    ledger = opened(database, Caps(per_day=Decimal(1)))
    under_way = reserve(ledger, "0.90")
    with pytest.raises(BudgetReached) as caught:
        reserve(ledger, "0.50")
    assert caught.value.may_fit_later
    with pytest.raises(BudgetReached) as caught:
        reserve(opened(database, Caps(per_day=Decimal(1)), run="other"), "0.50", run="other")
    assert not caught.value.may_fit_later
    ledger.settle(under_way, tokens(1), Decimal("0.60"), "ok", 1.0)
    with pytest.raises(BudgetReached) as caught:
        reserve(ledger, "0.50")
    assert not caught.value.may_fit_later


def test_a_call_without_a_price_can_be_refused(database: Database) -> None:
    with pytest.raises(BudgetReached, match=r'has no known price, and budget\.unpriced is "refuse"'):
        reserve(opened(database, Caps(price_needed=True)), None)
    assert whole(database).calls == 0


def test_a_cap_may_be_filled_to_the_last_cent(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("0.30")))
    for _ in range(3):
        reserve(ledger, "0.10")


def test_another_run_has_a_budget_of_its_own_but_shares_the_day_with_all_repositories(database: Database) -> None:
    caps = Caps(per_run=Decimal("0.30"), per_day=Decimal("0.50"))
    reserve(opened(database, caps, name="shop"), "0.30")
    other = opened(database, caps, run="other", name="bank")
    reserve(other, "0.20", run="other")
    with pytest.raises(BudgetReached, match="per day"):
        reserve(other, "0.10", run="other")


@pytest.fixture
def auckland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("auckland")
def test_a_day_and_a_month_begin_at_the_users_own_midnight(database: Database, clock: Clock) -> None:
    # Auckland is 13 hours ahead in December: its new year begins at 11:00 UTC.
    clock.now = datetime(2026, 12, 31, 10, 59, 59, tzinfo=UTC).timestamp()
    caps = Caps(per_day=Decimal("0.10"), per_month=Decimal("0.10"))
    ledger = opened(database, caps, clock=clock)
    spend(ledger, "0.10")
    with pytest.raises(BudgetReached):
        spend(ledger, "0.10")
    clock.now += 1
    spend(ledger, "0.10")
    assert [total.name for total in statement(State(database)).by_day] == ["2027-01-01", "2026-12-31"]


def test_a_month_adds_up_its_days(database: Database, clock: Clock) -> None:
    clock.now = datetime(2026, 10, 5, 12, tzinfo=UTC).timestamp()
    ledger = opened(database, Caps(per_day=Decimal("0.40"), per_month=Decimal("1.00")), clock=clock)
    for _ in range(2):
        spend(ledger, "0.40")
        clock.now += 86_400
    with pytest.raises(BudgetReached, match=r"per month is \$1\.00: \$0\.80"):
        spend(ledger, "0.40")


def test_a_cost_that_is_not_known_is_not_zero(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("0.10")))
    ledger.settle(reserve(ledger, None), tokens(100), None, "ok", 1.0)
    spend(ledger, "0.10")
    total = whole(database)
    assert (total.calls, total.unknown, total.cost_usd) == (2, 1, Decimal("0.10"))
    assert database.query("SELECT cost FROM calls WHERE id = 1") == [(None,)]


def test_a_call_of_unknown_cost_is_not_begun_once_a_budget_is_used_up(database: Database) -> None:
    ledger = opened(database, Caps(per_day=Decimal("0.50")))
    spend(ledger, "0.40")
    ledger.settle(reserve(ledger, None), tokens(10), Decimal("0.20"), "ok", 1.0)
    with pytest.raises(
        BudgetReached, match=r"per day is \$0\.50: \$0\.60 are spent or reserved, and the cost of this call"
    ):
        reserve(ledger, None)


def test_a_budget_of_nothing_lets_only_free_calls_through(database: Database) -> None:
    ledger = opened(database, Caps(per_day=Decimal(0)))
    reserve(ledger, "0")
    with pytest.raises(BudgetReached, match="the cost of this call is unknown"):
        reserve(ledger, None)
    with pytest.raises(BudgetReached):
        reserve(ledger, "0.01")


def test_a_free_call_is_made_even_where_the_budget_is_overdrawn(database: Database) -> None:
    spend(opened(database), "5.00")
    ledger = opened(database, Caps(per_day=Decimal("1.00")))
    ledger.settle(reserve(ledger, "0"), tokens(10), Decimal(0), "ok", 1.0)
    with pytest.raises(BudgetReached):
        reserve(ledger, "0.01")


def test_without_usage_the_worst_case_is_charged_and_marked(database: Database) -> None:
    ledger = opened(database)
    ledger.settle(reserve(ledger, "0.25"), None, None, "deadline", 60.0)
    total = whole(database)
    assert (total.cost_usd, total.estimated, total.unknown) == (Decimal("0.25"), 1, 0)


def test_usage_that_is_itself_a_worst_case_is_marked(database: Database) -> None:
    ledger = opened(database)
    usage = Usage(input_tokens=10, output_tokens=5, estimated=True)
    ledger.settle(reserve(ledger, "0.25"), usage, Decimal("0.2"), "unreadable", 1.0)
    assert whole(database).estimated == 1
    assert whole(database).usage.estimated


def test_a_call_whose_process_was_killed_counts_at_its_worst_case(state: Path, start: Processes) -> None:
    assert start(DIE_AFTER_RESERVING, state).wait(60) == 9
    with Database(state) as database:
        total = whole(database)
        assert (total.cost_usd, total.estimated) == (Decimal("0.30"), 1)
        with pytest.raises(BudgetReached):
            reserve(opened(database, Caps(per_day=Decimal("0.50"))), "0.25")


@pytest.mark.parametrize("settled", ["", "0.033"])
def test_processes_that_spend_at_once_never_overshoot_and_leave_nothing_unused(
    state: Path, start: Processes, settled: str
) -> None:
    processes = [start(SPEND, state, name, settled) for name in range(8)]
    let_go_together(processes)
    made = sum(json.loads(process.communicate(timeout=120)[0]) for process in processes)
    with Database(state) as database:
        total = whole(database)
    assert total.calls == made
    assert total.cost_usd <= 1
    assert total.cost_usd + Decimal("0.07") > 1


def test_threads_that_spend_at_once_never_overshoot(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("1.00")))
    refused: list[BudgetReached] = []

    def work() -> None:
        for _ in range(10):
            try:
                reserve(ledger, "0.03")
            except BudgetReached as fault:
                refused.append(fault)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole(database).cost_usd == Decimal("0.99")
    assert len(refused) == 80 - 33


def test_where_nothing_can_be_recorded_nothing_is_called(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        Database(tmp_path / "file" / "state") as database,
        pytest.raises(Unrecorded, match="the call was not made, because it could not be recorded: the state in "),
    ):
        reserve(opened(database), "0.01")


def test_a_call_that_ends_when_the_ledger_is_gone_stays_at_its_worst_case_and_is_told(state: Path) -> None:
    with Database(state) as database:
        ledger = opened(database)
        call = reserve(ledger, "0.25")
    ledger.settle(call, tokens(1), Decimal("0.01"), "ok", 1.0)
    assert database.troubles[0].endswith("the ledger keeps the maximum cost of a call")
    with Database(state) as again:
        assert whole(again).cost_usd == Decimal("0.25")


def test_answers_from_the_store_are_counted_apart_and_written_with_the_next_transaction(state: Path) -> None:
    with Database(state) as database:
        ledger = opened(database)
        ledger.remembered(Phase.ANALYZE, CHEAP, 12)
        assert whole(database).remembered == 0
        database.transact(lambda _: None)
        assert whole(database).remembered == 12
        ledger.remembered(Phase.VERIFY, DEAR)
    with Database(state) as database:
        total = whole(database)
        assert (total.calls, total.remembered, total.unknown) == (0, 13, 0)
        assert total.cost_usd == 0


def test_an_ordinary_commit_writes_one_transaction(database: Database, repository: RepositoryId) -> None:
    ledger = opened(database)
    database.query("SELECT 1")
    with Database(database.path.parent) as watcher:
        (before,) = watcher.query("PRAGMA data_version")[0]  # grows by one with each transaction of another connection
        ledger.remembered(Phase.ANALYZE, CHEAP, 3)
        ledger.remembered(Phase.VERIFY, CHEAP, 1)
        assert watcher.query("PRAGMA data_version") == [(before,)]
        Reports(database, repository).add(report())
        assert whole(watcher).remembered == 4
        assert watcher.query("PRAGMA data_version") == [(before + 1,)]


def test_the_statement_adds_up_by_phase_model_and_day(database: Database, clock: Clock) -> None:
    clock.now = datetime(2026, 10, 5, 12, tzinfo=UTC).timestamp()
    ledger = opened(database, clock=clock)
    spend(ledger, "0.01", given=1_000)
    spend(ledger, "0.02", phase=Phase.VERIFY, given=2_000)
    clock.now += 86_400
    spend(ledger, "0.50", phase=Phase.IMPLEMENT, model=DEAR, given=9_000)
    ledger.settle(reserve(ledger, None), tokens(0), Decimal(0), "unreachable", 2.0)
    found = statement(State(database))
    assert [(t.name, t.calls, t.cost_usd, t.usage.input_tokens) for t in found.by_phase] == [
        ("analyze", 2, Decimal("0.01"), 1_000),
        ("verify", 1, Decimal("0.02"), 2_000),
        ("implement", 1, Decimal("0.50"), 9_000),
    ]
    assert [(t.name, t.cost_usd) for t in found.by_model] == [(DEAR, Decimal("0.50")), (CHEAP, Decimal("0.03"))]
    assert [(t.name, t.calls) for t in found.by_day] == [("2026-10-06", 2), ("2026-10-05", 2)]
    assert (found.whole.calls, found.whole.cost_usd, found.whole.seconds) == (4, Decimal("0.53"), 3.5)


def test_the_statement_can_be_of_some_days_or_of_one_repository(database: Database, clock: Clock) -> None:
    clock.now = datetime(2026, 10, 5, 12, tzinfo=UTC).timestamp()
    for name in ("shop", "bank"):
        for _ in range(3):
            spend(opened(database, name=name, clock=clock), "0.01")
            clock.now += 86_400
    days = statement(State(database), since=date(2026, 10, 6), until=date(2026, 10, 9)).by_day
    assert [total.name for total in days] == ["2026-10-09", "2026-10-08", "2026-10-07", "2026-10-06"]
    assert statement(State(database), repository=RepositoryId("key of bank", "bank")).whole.calls == 3
    shop = RepositoryId("key of shop", "")
    assert statement(State(database), since=date(2026, 10, 8), repository=shop).whole.calls == 0


def test_an_empty_ledger_is_a_statement_too(database: Database) -> None:
    found = statement(State(database))
    assert found.whole.calls == 0
    assert found.whole.cost_usd == 0
    assert found.by_phase == found.by_model == found.by_day == ()


def test_tokens_read_from_a_prompt_cache_are_priced_as_such(database: Database) -> None:
    ledger = opened(database)
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=600_000, cache_write_tokens=100_000, output_tokens=10_000)
    ledger.settle(reserve(ledger, "1"), usage, Decimal("0.1"), "ok", 1.0)
    price = Price(input=Decimal(5), output=Decimal(25), cached_input=Decimal("0.5"), cache_write=Decimal("6.25"))
    assert whole(database).priced_at(price) == Decimal("1.5") + Decimal("0.3") + Decimal("0.625") + Decimal("0.25")


def test_what_was_set_aside_for_another_machine_becomes_the_calls_that_it_made(database: Database) -> None:
    ledger = opened(database, Caps(per_run=Decimal("0.30")))
    grant = reserve(ledger, "0.30")
    with pytest.raises(BudgetReached):
        reserve(ledger, "0.01")
    paid = Booked(
        phase=Phase.VERIFY,
        model="a/b",
        usage=Usage(input_tokens=10, output_tokens=5),
        cost_usd=Decimal("0.10"),
        outcome="ok",
        seconds=1.5,
    )
    unknown = Booked(phase=Phase.ANALYZE, model="c/d", usage=None, cost_usd=None, outcome="timeout", seconds=9.0)
    ledger.replace(grant, [paid, unknown])
    rows = database.query(
        "SELECT phase, model, input_tokens, output_tokens, cost, estimated, outcome, seconds, run FROM calls"
    )
    assert rows == [
        ("verify", "a/b", 10, 5, 10**11, 0, "ok", 1.5, "run"),
        ("analyze", "c/d", 0, 0, None, 0, "timeout", 9.0, "run"),
    ]
    reserve(ledger, "0.20")  # what was not spent is there again


def test_what_was_set_aside_and_not_used_leaves_no_trace(database: Database) -> None:
    ledger = opened(database)
    ledger.replace(reserve(ledger, "0.30"), [])
    assert database.query("SELECT count(*) FROM calls") == [(0,)]


def test_sums_by_day_are_those_of_the_calls(tmp_path: Path) -> None:
    """Calls of every kind are made, settled, replaced and removed; the sums follow."""
    rng = random.Random(7)
    columns = (
        "at, day, run, repository, repository_name, command, phase, model, input_tokens, cost, outcome, remembered"
    )
    insert = f"INSERT INTO calls ({columns}) VALUES ({', '.join('?' * 12)})"
    with Database(tmp_path) as database:

        def write(connection: sqlite3.Connection) -> None:
            for number in range(500):
                day, run = f"2026-11-0{rng.randint(1, 9)}", f"run {number // 3}"
                command, phase = rng.choice([("gate", "analyze"), ("fix", "implement")])
                cost, outcome = rng.choice([None, 0, 7]), rng.choice(["ok", "timeout"])
                row = (number, day, run, "r", "shop", command, phase, "a/b", rng.randint(0, 9), cost, outcome, 0)
                connection.execute(insert, row)
            connection.execute("UPDATE calls SET cost = 5, input_tokens = 11 WHERE id % 4 = 0")
            connection.execute("DELETE FROM calls WHERE id % 5 = 0")

        database.transact(write)
        kept = statement(State(database))
        rows = database.query("SELECT cost, input_tokens, command, outcome, run, phase FROM calls", ())
    assert kept.whole.calls == len(rows) == 400
    assert kept.whole.unknown == sum(row[0] is None for row in rows)
    assert kept.whole.usage.input_tokens == sum(row[1] for row in rows)
    assert kept.whole.cost_usd == Decimal(sum(row[0] or 0 for row in rows)).scaleb(-12)
