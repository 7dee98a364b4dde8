from __future__ import annotations

from pathlib import Path

from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.sqlite import Database
from tests.support.store import Clock


def test_what_was_put_is_known_to_the_next_run_byte_for_byte(state: Path) -> None:
    items = {"quirks/openrouter/a b": b"", "key": bytes(range(256)), "clé": b"\x00"}
    with Database(state) as database:
        Verdicts(database).put(items)
    with Database(state) as database:
        assert Verdicts(database).get([*items, "unknown"]) == items


def test_thousands_of_keys_are_answered_at_once(database: Database) -> None:
    verdicts = Verdicts(database)
    items = {f"key {number}": b"%d" % number for number in range(5_000)}
    verdicts.put(items)
    assert verdicts.get(items) == items
    assert verdicts.get(iter([*items, *map(str, range(5_000))])) == items
    assert verdicts.get([]) == {}


def test_the_latest_answer_counts(database: Database) -> None:
    verdicts = Verdicts(database)
    verdicts.put({"key": b"old"}, ttl=1)
    verdicts.put({"key": b"new"})
    assert verdicts.get(["key"]) == {"key": b"new"}


def test_an_answer_expires(database: Database, clock: Clock) -> None:
    verdicts = Verdicts(database, clock=clock)
    verdicts.put({"short": b"1"}, ttl=60)
    verdicts.put({"long": b"1"})
    clock.now += 59
    assert verdicts.get(["short", "long"]) == {"short": b"1", "long": b"1"}
    clock.now += 1
    assert verdicts.get(["short", "long"]) == {"long": b"1"}


def test_the_size_is_bounded_and_the_oldest_goes_first(database: Database, clock: Clock) -> None:
    verdicts = Verdicts(database, clock=clock, max_bytes=100_000)
    for number in range(1_100):
        verdicts.put({f"{number:04}": b"x" * 896})  # 1,000 bytes with the key and the row
    kept = [key for (key,) in database.query("SELECT key FROM answers ORDER BY key")]
    # Pruned to 100 rows when the 1,023rd was followed by the 1,024th.
    assert kept == [f"{number:04}" for number in range(1_024 - 100, 1_100)]


def test_what_is_expired_or_old_is_removed_in_the_end(database: Database, clock: Clock) -> None:
    verdicts = Verdicts(database, clock=clock, max_age=1_000)
    verdicts.put({"old": b"1"})
    clock.now += 900
    verdicts.put({"expired": b"1"}, ttl=60)
    verdicts.put({"kept": b"1"}, ttl=600)
    clock.now += 101
    verdicts.put({str(number): b"1" for number in range(600)})
    assert database.query("SELECT key FROM answers WHERE key IN ('old', 'expired', 'kept')") == [("kept",)]


def test_a_few_answers_do_not_pay_for_pruning(database: Database, clock: Clock) -> None:
    verdicts = Verdicts(database, clock=clock)
    verdicts.put({"expired": b"1"}, ttl=1)
    clock.now += 2
    verdicts.put({"key": b"1"})
    assert database.query("SELECT count(*) FROM answers") == [(2,)]
