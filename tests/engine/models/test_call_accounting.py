"""The books of a run are whole when it ends, whoever is still writing in them."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.engine.models.call_accounting import CallAccounting
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.ledger import Caps, StoredLedger
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from tests.support.asking import model

USED = Usage(input_tokens=10, output_tokens=1)


def test_a_call_that_another_thread_is_booking_at_the_end_is_in_the_report_too(tmp_path: Path) -> None:
    small = model("openai", "http://127.0.0.1/v1")
    deadline = Deadline(60, time.monotonic)
    with Database(tmp_path) as database:
        prices = Catalogue({small.id: Price(input=Decimal(1), output=Decimal(1))}, Verdicts(database))
        ledger = StoredLedger(State(database), run="r", repository=RepositoryId("k", "n"), command="gate", caps=Caps())
        books = CallAccounting(ledger, prices, "r", deadline)
        call, _ = books.reserve(Phase.ANALYZE, small, USED, deadline)
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")  # the ledger has to wait
            booking = threading.Thread(target=books.settle, args=(call, USED, "ok"))
            booking.start()
            while books.close():  # until the other thread has taken the call upon itself
                assert not deadline.passed
            letting_go = threading.Thread(target=other.execute, args=("ROLLBACK",))
            letting_go.start()
            books.finish()
            calls = books.calls
            letting_go.join()
            booking.join()
    assert [each.outcome for each in calls] == ["ok"]
