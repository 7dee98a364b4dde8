"""Connections to a team's PostgreSQL."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from ralph_hooks.errors import ConfigError
from ralph_hooks.store import postgres as adapter
from ralph_hooks.store.schema import POSTGRES
from tests.support.postgres import PostgresServer, halted
from tests.support.store import Clock
from tests.support.team import Machine, Open, machine


def test_a_connection_that_was_lost_while_nobody_used_it_is_made_again(
    postgres: PostgresServer, open_machine: Open, url: str
) -> None:
    ann = open_machine("ann")
    ann.answers.put({"k": b"v"})
    postgres.execute(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ralph-hooks'"
    )
    assert ann.team.answers(["k"]) == {"k": b"v"}
    assert ann.team.notices == ()


def test_a_server_that_answers_nothing_is_left_alone_for_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "CONNECT", 0.2)
    clock = Clock(1_790_000_000.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setblocking(False)  # noqa: FBT003 - its signature
        url = f"postgresql://bob:hush@127.0.0.1:{deaf.getsockname()[1]}/team"

        def notice() -> str:
            with machine(tmp_path / "ann", url, clock=clock) as ann:
                ann.answers.get(["k"])
                ann.answers.get(["k"])  # it is asked once a run
                (told,) = ann.team.notices
            return told

        assert "did not answer within" in notice()
        clock.now += 30
        assert "was skipped, because 30 s ago it did not answer" in notice()
        assert "hush" not in notice()
        clock.now += 31
        assert "did not answer within" in notice()
        assert _callers(deaf) == 2


def test_a_server_that_stops_in_the_middle_is_given_up(
    postgres: PostgresServer, open_machine: Open, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_PATIENCE", 0.3)
    ann = open_machine("ann")
    ann.answers.put({"k": b"v"})
    mine = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ralph-hooks'"
    with halted([pid for (pid,) in postgres.execute(url, mine)]):
        call = ann.reserve("0.10")
        ann.settle(call, "0.05")
    (notice,) = ann.team.notices
    assert "did not answer within" in notice
    assert ann.team.waiting().calls == 1


def test_a_client_that_keeps_the_lock_holds_nobody_up_for_long(
    postgres: PostgresServer, open_machine: Open, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LIMITS", ("SET LOCAL lock_timeout = '100ms'",))
    ann = open_machine("ann")
    with postgres.connected(url) as stuck, stuck.transaction():
        stuck.execute("SELECT pg_advisory_xact_lock(1918987376, 1)")
        ann.reserve("0.10")
    (notice,) = ann.team.notices
    assert "was busy with other clients for too long" in notice


@pytest.mark.parametrize(
    ("user", "password", "database", "reason"),
    [
        ("bob", "wrong-hush", "postgres", "rejects this user's password"),
        ("owner", "hush", "nowhere", "has no database of that name"),
        ("bob", "hush", "postgres", "has no tables of ralph-hooks, and this user may not create them"),
        ("owner", "hush", "postgres?sslmode=require", "does not offer trusted TLS"),
    ],
)
def test_what_is_wrong_is_said_without_a_word_of_the_credentials(
    postgres: PostgresServer, tmp_path: Path, url: str, user: str, password: str, database: str, reason: str
) -> None:
    postgres.execute(url, "DROP ROLE IF EXISTS bob; CREATE ROLE bob LOGIN PASSWORD 'hush'")
    with machine(tmp_path / "ann", postgres.url(database, user, password)) as ann:
        assert ann.answers.get(["k"]) == {}
    (trouble,) = ann.database.troubles  # no report has told it
    assert reason in trouble
    assert f"postgresql://127.0.0.1:{postgres.port}/{database.partition('?')[0]})" in trouble
    assert "hush" not in trouble
    assert "bob" not in trouble


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db.corp.example/ralph", "postgresql://db.corp.example/ralph"),
        ("postgres://ann:s3cret@db:5433/ralph?sslmode=verify-full", "postgresql://db:5433/ralph"),
        ("postgresql:///ralph?host=/run/pg&password=s3cret", "postgresql:///ralph"),
        ("postgresql://[::1]:5432,other:1/r?user=ann", "postgresql://[::1]:5432,other:1/r"),
        ("postgresql://ann:s3c@ret@db/ralph", "a PostgreSQL"),
        ("postgresql://ann:s3c/ret@db/ralph", "a PostgreSQL"),
        ("postgresql://ann:s3c?ret@db/ralph", "a PostgreSQL"),
        ("postgresql://ann:s3c#ret@db/ralph", "a PostgreSQL"),
        ("postgresql://db/ralph?password=s3@cret", "a PostgreSQL"),
    ],
)
def test_of_a_url_host_and_database_are_shown(url: str, shown: str) -> None:
    assert adapter.shown(url) == shown


def test_a_changed_password_leads_to_the_same_store_and_another_host_to_another() -> None:
    names = [
        adapter.name(f"postgresql://{each}")
        for each in ("ann:a@db/ralph", "ben:b@db/ralph?sslmode=require", "db/ralph?host=other", "db2/ralph", "db/x")
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4


@pytest.mark.parametrize(
    ("url", "sslmode"),
    [
        ("postgresql://db.corp.example/ralph", "require"),
        ("postgresql://db.corp.example/ralph?sslmode=verify-full", "verify-full"),
        ("postgresql://localhost,db.corp.example/ralph", "require"),
        ("postgresql://127.0.0.1/ralph", None),
        ("postgresql:///ralph?host=/run/pg", None),
        ("postgresql:///ralph", None),
        ("postgresql:///?service=ralph", None),
    ],
)
def test_code_goes_to_another_machine_by_tls_alone(url: str, sslmode: str | None) -> None:
    assert adapter.options(url).get("sslmode") == sslmode


def test_tls_is_used_where_it_is_asked_for_and_only_with_who_can_be_trusted(
    postgres: PostgresServer, open_machine: Open, tmp_path: Path, url: str
) -> None:
    with postgres.encrypted() as authority:
        trusted = open_machine("ann", url=f"{url}?sslmode=verify-full&sslrootcert={authority}")
        trusted.answers.put({"k": b"v"})
        assert trusted.team.notices == ()
        assert trusted.team.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        (notice,) = _asked(open_machine("ben", url=f"{url}?sslmode=verify-full&sslrootcert={other}"))
        assert "does not offer trusted TLS" in notice


def _asked(one: Machine) -> tuple[str, ...]:
    one.answers.get(["k"])
    return one.team.notices


def test_a_host_that_the_environment_names_is_reached_by_tls_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.corp.example")
    assert adapter.options("postgresql:///ralph")["sslmode"] == "require"


def test_a_url_that_cannot_be_read_is_a_mistake_of_the_configuration_and_is_not_shown(tmp_path: Path) -> None:
    with machine(tmp_path / "ann", "postgresql://db/ralph?pasword=s3cret") as ann, pytest.raises(ConfigError) as caught:
        ann.answers.get(["k"])
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"


def test_many_who_come_first_make_the_tables_once(postgres: PostgresServer, tmp_path: Path, url: str) -> None:
    together = threading.Barrier(8)

    def first(number: int) -> tuple[str, ...]:
        with machine(tmp_path / f"m{number}", url) as one:
            together.wait()
            one.answers.put({f"k{number}": b"v"})
            return one.team.notices

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(first, range(8))) == {()}
    assert postgres.execute(url, "SELECT version FROM ralph_hooks") == [(POSTGRES.version,)]
    assert postgres.execute(url, "SELECT count(*) FROM answers") == [(8,)]


@pytest.mark.parametrize(("version", "works"), [(POSTGRES.version + 5, True), (200, False)], ids=["added", "changed"])
def test_a_newer_schema_is_worked_with_or_left_alone(
    postgres: PostgresServer, open_machine: Open, tmp_path: Path, url: str, version: int, *, works: bool
) -> None:
    open_machine("ann").answers.put({"k": b"v"})
    postgres.execute(url, f"UPDATE ralph_hooks SET version = {version}")
    with machine(tmp_path / "ben", url) as ben:
        assert ben.answers.get(["k"]) == ({"k": b"v"} if works else {})
        notices = ben.team.notices
    assert notices == () if works else "was set up by a newer ralph-hooks: upgrade this installation" in notices[0]
    assert postgres.execute(url, "SELECT version FROM ralph_hooks") == [(version,)]


def test_tables_of_another_program_are_left_alone(postgres: PostgresServer, open_machine: Open, url: str) -> None:
    postgres.execute(url, "CREATE TABLE answers (mine integer)")
    ann = open_machine("ann")
    ann.answers.put({"k": b"v"})
    assert "use a separate database" in ann.team.notices[0]
    assert postgres.execute(url, "SELECT * FROM answers") == []
    assert postgres.execute(url, "SELECT to_regclass('calls')") == [(None,)]


def _callers(server: socket.socket) -> int:
    """How many have connected to ``server``."""
    made = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return made
        made += 1
