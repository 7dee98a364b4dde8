from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from ralph_hooks.errors import RalphError
from ralph_hooks.store import sqlite
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.sqlite import Database, RepositoryId, Unavailable
from tests.support.store import Processes, let_go_together

PUT_MANY = """
import sys
from pathlib import Path
from ralph_hooks.store.sqlite import Database
from ralph_hooks.store.cache import Verdicts
print("ready", flush=True)
sys.stdin.readline()
with Database(Path(sys.argv[1])) as database:
    for number in range(20):
        Verdicts(database).put({f"{sys.argv[2]}/{number}": b"x"})
    print(database.troubles, flush=True)
"""

PUT_PAIRS_FOREVER = """
import itertools, sys
from pathlib import Path
from ralph_hooks.store.sqlite import Database
database = Database(Path(sys.argv[1]))
def pair(connection, number):
    for side in ("left", "right"):
        connection.execute(
            "REPLACE INTO answers (key, value, stored) VALUES (?, ?, 0)", (f"{side}/{number % 50}", b"%d" % number)
        )
for number in itertools.count():
    database.transact(lambda connection: pair(connection, number))
    if number == 20:
        print("ready", flush=True)
"""

FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from ralph_hooks.store.sqlite import Database
from ralph_hooks.store.cache import Verdicts
with Database(Path(sys.argv[1])) as database:
    verdicts = Verdicts(database)
    verdicts.put({"before": b"1"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    verdicts.put({"too much": b"x" * 1_000_000})
    print(verdicts.get(["before", "too much"]))
    print(*database.troubles)
"""


def test_every_file_belongs_to_its_owner_alone_whatever_the_umask(state: Path) -> None:
    umask = os.umask(0)
    try:
        with Database(state) as database:
            Verdicts(database).put({"key": b"value"})
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in state.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


@pytest.mark.parametrize("count", [2, 6])
def test_processes_that_open_a_fresh_store_at_once_all_succeed(state: Path, start: Processes, count: int) -> None:
    processes = [start(PUT_MANY, state, name) for name in range(count)]
    let_go_together(processes)
    assert [process.communicate(timeout=60)[0] for process in processes] == ["()\n"] * count
    with Database(state) as database:
        assert database.query("SELECT count(*) FROM answers") == [(20 * count,)]


def test_threads_share_a_fresh_store(database: Database) -> None:
    verdicts = Verdicts(database)

    def work(name: int) -> None:
        for number in range(30):
            verdicts.put({f"{name}/{number}": b"x"})
            verdicts.get([f"{name}/{number}"])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.query("SELECT count(*) FROM answers") == [(240,)]
    assert database.troubles == ()


def test_a_process_killed_in_the_middle_of_a_transaction_leaves_all_of_it_or_nothing(
    state: Path, start: Processes
) -> None:
    delays = random.Random(7)
    for _ in range(4):
        process = start(PUT_PAIRS_FOREVER, state)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delays.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Database(state) as database:
            values: dict[str, bytes] = dict(database.query("SELECT key, value FROM answers"))
            assert database.query("PRAGMA integrity_check") == [("ok",)]
            assert database.troubles == ()
        assert values["left/0"]
        for number in range(50):
            assert values.get(f"left/{number}") == values.get(f"right/{number}")


@pytest.mark.parametrize("prepared", ["", "PRAGMA user_version = 0; CREATE TABLE other (x)"])
def test_a_file_of_version_0_is_brought_up_to_date_and_the_next_opening_finds_it_so(state: Path, prepared: str) -> None:
    state.mkdir(parents=True)
    connection = sqlite3.connect(state / "state.db")
    connection.executescript(prepared)
    connection.close()
    versions = []
    for _ in range(2):
        with Database(state) as database:
            Verdicts(database).put({"key": b"value"})
            versions += database.query("PRAGMA user_version")
            assert database.query("PRAGMA journal_mode") == [("wal",)]
    assert versions[0] == versions[1] > (100,)
    with Database(state) as database:
        assert Verdicts(database).get(["key"]) == {"key": b"value"}


def set_version(state: Path, version: int) -> None:
    connection = sqlite3.connect(state / "state.db")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("ALTER TABLE answers ADD COLUMN later TEXT NOT NULL DEFAULT 'x'")
    connection.commit()
    connection.close()


def test_a_newer_generation_of_the_schema_asks_for_an_upgrade_and_touches_nothing(state: Path) -> None:
    with Database(state) as database:
        Verdicts(database).put({"key": b"value"})
    set_version(state, 200)
    before = (state / "state.db").read_bytes()
    with Database(state) as database, pytest.raises(RalphError, match="newer ralph-hooks") as caught:
        Verdicts(database).get(["key"])
    assert "upgrade ralph-hooks" in caught.value.hint
    assert (state / "state.db").read_bytes() == before


def test_a_newer_schema_of_the_same_generation_is_worked_with_and_left_at_its_version(state: Path) -> None:
    with Database(state) as database:
        Verdicts(database).put({"key": b"value"})
    set_version(state, 117)
    with Database(state) as database:
        Verdicts(database).put({"new": b"value"})
        assert Verdicts(database).get(["key", "new"]) == {"key": b"value", "new": b"value"}
        assert database.query("PRAGMA user_version") == [(117,)]


def kept_aside(state: Path) -> list[Path]:
    return sorted(state.glob("state.db.damaged-*"))


def test_a_file_that_is_no_database_is_kept_and_a_new_one_begun(state: Path) -> None:
    state.mkdir(parents=True)
    (state / "state.db").write_bytes(b"not a database at all" * 100)
    with Database(state) as database:
        Verdicts(database).put({"key": b"value"})
        assert Verdicts(database).get(["key"]) == {"key": b"value"}
        (kept,) = kept_aside(state)
        (trouble,) = database.troubles
    assert kept.read_bytes() == b"not a database at all" * 100
    assert "was damaged" in trouble
    assert kept.name in trouble


def damage(state: Path) -> bytes:
    """Destroy all pages but the first, as a bad disk might; what the file holds then."""
    with (state / "state.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    return (state / "state.db").read_bytes()


def test_damage_inside_the_file_is_noticed_when_it_is_met(state: Path) -> None:
    with Database(state) as database:
        Verdicts(database).put({f"key {number}": b"value" for number in range(500)})
    damaged = damage(state)
    with Database(state) as database:
        assert Verdicts(database).get(["key 7"]) == {}
        Verdicts(database).put({"key 7": b"again"})
        assert Verdicts(database).get(["key 7"]) == {"key 7": b"again"}
        assert len(database.troubles) == 1
    assert [file.read_bytes() for file in kept_aside(state)] == [damaged]


def test_of_two_that_meet_the_damage_only_one_moves_the_file(state: Path) -> None:
    with Database(state) as database:
        Verdicts(database).put({f"key {number}": b"value" for number in range(500)})
    damage(state)
    with Database(state) as first, Database(state) as second:
        second.query("PRAGMA user_version")  # it has opened the damaged file
        Verdicts(first).put({"key 7": b"of the first"})
        assert Verdicts(second).get(["key 7"]) == {"key 7": b"of the first"}
    assert len([file for file in kept_aside(state) if not file.name.endswith(("-wal", "-shm"))]) == 1


def test_a_full_disk_costs_the_cache_and_not_the_commit(state: Path, start: Processes) -> None:
    remembered, troubles = start(FILL_THE_DISK, state).communicate(timeout=60)[0].splitlines()
    assert remembered == "{'before': b'1'}"
    assert "this run's verdicts are not cached" in troubles


def test_a_state_folder_that_cannot_be_made_is_told_once_and_does_not_stop_anything(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Database(tmp_path / "file" / "state") as database:
        verdicts = Verdicts(database)
        verdicts.put({"key": b"value"})
        assert verdicts.get(["key"]) == {}
        assert verdicts.get(["other"]) == {}
        assert [sentence.rpartition("; ")[2] for sentence in database.troubles] == [
            "this run's verdicts are not cached",
            "earlier verdicts are not used",
        ]


def test_a_lock_that_stays_is_named(state: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_BUSY", 0.01)
    database.query("SELECT 1")
    holder = sqlite3.connect(state / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable, match="another process has locked it"):
            database.transact(lambda _: None)
        assert database.query("SELECT 1") == [(1,)]  # readers are not held up
    finally:
        holder.close()
    database.transact(lambda _: None)


def test_what_raises_in_a_transaction_takes_all_of_it_back(database: Database) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("REPLACE INTO answers (key, value, stored) VALUES ('key', 'value', 0)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.transact(work)
    assert database.query("SELECT * FROM answers") == []
    Verdicts(database).put({"key": b"value"})


def test_a_thread_that_comes_after_the_run_has_ended_harms_nothing(state: Path) -> None:
    with Database(state) as database:
        verdicts = Verdicts(database)
        verdicts.put({"key": b"value"})
    verdicts.put({"late": b"value"})
    assert verdicts.get(["key"]) == {}
    with Database(state) as database:
        assert Verdicts(database).get(["key", "late"]) == {"key": b"value"}


def test_worktrees_are_one_repository_and_a_name_of_any_bytes_can_be_kept(tmp_path: Path, database: Database) -> None:
    shop = tmp_path / "shop"
    assert RepositoryId.at(shop / ".git") == RepositoryId.at(shop)
    assert RepositoryId.at(shop).name == "shop"
    assert RepositoryId.at(shop).key != RepositoryId.at(tmp_path / "other" / "shop").key
    strange = RepositoryId.at(tmp_path / os.fsdecode(b"caf\xe9"))
    assert database.query("SELECT ?", (strange.name,)) == [("caf\ufffd",)]


def test_a_file_of_the_first_release_gains_what_came_later_and_keeps_what_it_has(state: Path) -> None:
    with Database(state) as database:
        Verdicts(database).put({"key": b"value"})
        database.query("SELECT * FROM receipts")
    connection = sqlite3.connect(state / "state.db")
    connection.executescript(
        "DROP TABLE receipts; DROP TABLE receipt_commits; DROP INDEX calls_by_uid; ALTER TABLE calls DROP COLUMN uid;"
        "DROP TABLE unshared_calls; DROP TABLE unshared_answers; DROP TABLE labels; DROP TABLE judgements;"
        "PRAGMA user_version = 101"
    )
    connection.close()
    with Database(state) as database:
        assert database.query("SELECT * FROM receipts") == []
        assert database.query("SELECT uid FROM calls") == []
        assert Verdicts(database).get(["key"]) == {"key": b"value"}
