"""State that was damaged is built anew by itself: kept aside, told once, and what can be read of it stays."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.store.ledger import Caps, StoredLedger, statement
from ralph_hooks.store.reports import Reports
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from tests.support.disks import small_disk
from tests.support.matrix import MORE, first
from tests.support.project import TWO_LINES, Project
from tests.support.push import Remote
from tests.support.server import Finds, analyst

TABLES = ("answers", "calls", "reports", "receipts", "receipt_commits")
JUNK = ("'junk'", "X'00ff80'", "CAST(X'ff' AS TEXT)", "9223372036854775807", "-1.5")
COMMANDS = (("gate",), ("show", "--list"), ("show",), ("show", "--commits"), ("cost",), ("pre-push", "origin", "url"))


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for sql in statements:
            connection.execute(sql)


def columns(path: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


@pytest.fixture
def used(project: Project) -> Path:
    """The state of a user who has committed, been refused and pushed; with every table filled."""
    project.models(analyst(Finds("eval(", "No.")))
    project.configure(TWO_LINES)
    remote = Remote(project)
    remote.commit_judged({"a.py": "a = 1\n"})
    project.repo.commit({"b.py": "b = 1\n"})
    assert remote.push("main").code == 0
    project.repo.stage({"c.py": "eval(input())\n"})
    assert project.run("gate").code == 1
    path = project.home / "state/state.db"
    change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def assert_goes_on(project: Project, command: tuple[str, ...], what: str) -> str:
    head = project.repo.git("rev-parse", "HEAD")
    lines = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n" if command[0] == "pre-push" else ""
    done = project.run(*command, stdin=lines.encode())
    assert "internal error" not in done.err, (what, command, done.err)
    assert done.code == (command[0] == "gate"), (what, command, done.err)
    return done.err


@pytest.mark.parametrize(
    ("table", "tries"), [*((table, 1) for table in TABLES), *(pytest.param(table, 2, marks=MORE) for table in TABLES)]
)
def test_values_that_cannot_be_are_no_trouble(project: Project, used: Path, table: str, tries: int) -> None:
    """Each command in turn where there is one try, else all of them."""
    sound = used.read_bytes()
    for number, column in enumerate(columns(used, table)):
        for junk in (JUNK[number % len(JUNK)], JUNK[(number + 1) % len(JUNK)])[:tries]:
            used.write_bytes(sound)
            try:
                change(used, f"UPDATE {table} SET {column} = {junk} WHERE rowid IN (SELECT rowid FROM {table} LIMIT 1)")
            except sqlite3.IntegrityError:
                continue  # SQLite itself refuses it there
            for command in COMMANDS if tries > 1 else COMMANDS[number % len(COMMANDS) :: 3]:
                assert_goes_on(project, command, f"{table}.{column} = {junk}")


@pytest.mark.parametrize("table", first(2, TABLES))
def test_a_table_that_is_gone_or_lacks_a_column_is_made_anew(project: Project, used: Path, table: str) -> None:
    sound = used.read_bytes()
    for sql in (f"DROP TABLE {table}", f"ALTER TABLE {table} RENAME COLUMN {columns(used, table)[1]} TO other"):
        used.write_bytes(sound)
        change(used, sql)
        told = [assert_goes_on(project, command, sql) for command in (*COMMANDS, COMMANDS[0])]
        assert sum("was damaged" in each for each in told) == 1


def test_what_can_be_read_of_the_ledger_still_counts(tmp_path: Path) -> None:
    here = RepositoryId("here", "here")
    with Database(tmp_path / "state") as database:
        ledger = StoredLedger(State(database), run="r", repository=here, command="gate", caps=Caps())
        for _ in range(3):
            ledger.reserve(Reservation(phase=Phase.ANALYZE, model="a/b", run="r", worst_usd=Decimal("0.5")))
    change(tmp_path / "state/state.db", "DROP TABLE reports", "UPDATE calls SET model = X'ff' WHERE id = 2")
    with Database(tmp_path / "state") as database:
        assert Reports(database, here).last() is None
        assert statement(State(database)).whole.cost_usd == 1
        (told,) = database.troubles
    assert "is saved as state.db.damaged-" in told
    assert "(2 rows)" in told


def test_a_full_temporary_folder_is_named(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.models(analyst())
    project.repo.stage({"a.py": "a = 1\n"})
    with small_disk(tmp_path / "small", 64) as small:
        monkeypatch.setattr(tempfile, "tempdir", str(small))
        for room in (0, 4096, 16384):
            (small / "full").write_bytes(b"")
            free = shutil.disk_usage(small).free - room
            (small / "full").write_bytes(b"x" * free)
            for number in range(200 if room == 0 else 0):  # no inode is left either
                try:
                    (small / str(number)).mkdir()
                except OSError:
                    break
            done = project.run("gate")
            assert "internal error" not in done.err
            assert done.code in {2, 3} if room == 0 else done.code in {0, 2, 3}
            assert done.code == 0 or ("No space left on device" in done.err and "TMPDIR" in done.err)
