"""A team's database on a local PostgreSQL: the overhead of a commit over SQLite alone, the capacity of one server."""

from __future__ import annotations

import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from bench.clock import in_turn
from bench.figures import Figure, NotMeasured
from bench.project import CHECKOUT, Project, project, stage_ten_files
from ralph_hooks.store.ledger import Caps, statement
from tests.support.postgres import PostgresServer, binaries, postgres_server
from tests.support.store import let_go_together
from tests.support.team import Machine, machine

PAIRS = 15
SECONDS = 4.0  # that each number of clients reserves and settles
DELAY = 0.005  # seconds one way, of a server that is not next door
MANY = 1_000_000  # rows of a ledger
ANSWERS = 20_000
_CAPS = Caps(per_day=Decimal(1_000_000), per_month=Decimal(1_000_000))

CLIENT = """\
import sys, time
from decimal import Decimal
from pathlib import Path
from ralph_hooks.store.ledger import Caps
from tests.support.team import machine
state, url, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
cap = Decimal(1_000_000)
with machine(state, url, caps=Caps(per_run=cap, per_day=cap, per_month=cap)) as one:
    one.spend("0.01")
    print("ready", flush=True)
    sys.stdin.readline()
    end, made = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        one.spend("0.01")
        made += 1
    print(made if not one.team.notices else one.team.notices, flush=True)
"""
_FILL = """
SET session_replication_role = replica;
INSERT INTO calls
SELECT gen_random_uuid(), 1.7e9 + n, to_char(date '{first}' + (n % 30)::int, 'YYYY-MM-DD'), md5((n / 3)::text),
    '0123456789abcdef', 'shop-' || n % 40, 'gate', CASE n % 3 WHEN 0 THEN 'verify' ELSE 'analyze' END,
    'openrouter/deepseek/deepseek-v4-flash', 2400, 0, 0, 120, 300000000, 0, 'ok', 2.5, n % 2
FROM generate_series(1, {count}) n;
INSERT INTO days SELECT day, sum(cost) FROM calls GROUP BY day ON CONFLICT (day) DO UPDATE SET cost = EXCLUDED.cost;
SET session_replication_role = DEFAULT
"""
_ANSWERS = """
INSERT INTO answers
SELECT md5(n::text), convert_to(CASE WHEN n % 5 > 0 THEN '{{"findings":[],"dropped":0}}' ELSE
    '{{"findings":[{{"path":"","line":120,"end_line":120,"category":"bug","severity":"error","confidence":0.9,"message":"'
    || repeat(md5(n::text), 5) || '","quote":"' || md5('q' || n) || '","context":"    ' || md5('q' || n) ||
    '","source":"openrouter/deepseek/x","confirmed":null,"blocking":false,"removed":false}}],"dropped":0}}'
    END, 'UTF8'), 1.7e9 + n
FROM generate_series(1, {count}) n
"""


def measure() -> Iterator[Figure]:
    programs = binaries()
    if programs is None:
        raise NotMeasured("PostgreSQL is not installed here: initdb is nowhere to be found")
    with postgres_server(programs, settings="") as server:  # as safe as it comes
        yield from _commits(server)
        yield from _reservations(server)
        yield from _sizes(server)
        yield from _large(server)


def _commits(server: PostgresServer) -> Iterator[Figure]:
    url = server.database()
    with project() as made:
        stage_ten_files(made)
        sharing = _sharing(made, url)
        made.gate()
        sharing.gate()

        def fetched() -> float:
            _forget_paid(sharing, server, url)
            return sharing.gate().wall

        what = "a known commit of ten files, wall time against SQLite alone"
        ratio, how = in_turn(lambda: sharing.gate().wall, lambda: made.gate().wall, pairs=PAIRS)
        yield Figure(what=what, value=ratio, at_most=1.15, how=how)
        ratio, how = in_turn(fetched, lambda: made.gate().wall, pairs=PAIRS)
        yield Figure(what="the same, known to a colleague alone", value=ratio, at_most=3, how=how)


def _sharing(made: Project, url: str) -> Project:
    """Return the same repository, for a user who has a team's database."""
    home = made.home.with_name("sharing")
    home.mkdir()
    text = (made.home / "config.toml").read_text(encoding="utf-8")
    (home / "config.toml").write_text(f'store = "{url}"\n{text}', encoding="utf-8")
    return Project(made.repo, home, made.server)


def _forget_paid(sharing: Project, server: PostgresServer, url: str) -> None:
    paid = [(key,) for (key,) in server.execute(url, "SELECT key FROM answers")]
    with closing(sqlite3.connect(sharing.home / "state" / "state.db")) as state, state:
        state.executemany("DELETE FROM answers WHERE key = ?", paid)


def _reservations(server: PostgresServer) -> Iterator[Figure]:
    for clients in (1, 8, 50):
        made = _rate(server.database(), clients)
        yield Figure(what=f"calls reserved and settled, {clients} clients at once", value=made, unit="a second")
    url = server.database()
    with _far_away(server.port) as port:
        far = url.replace(f":{server.port}/", f":{port}/")
        for clients in (1, 8):
            made = _rate(far, clients)
            what = f"the same, {DELAY * 2000:.0f} ms there and back, {clients} clients"
            yield Figure(what=what, value=made, unit="a second")


def _rate(url: str, clients: int) -> float:
    """Return the calls per second that so many processes reserve and settle together."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CLIENT, str(Path(folder, str(number))), url, str(SECONDS)],
                    cwd=CHECKOUT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(clients)
        ]
        let_go_together(processes)
        outputs = [process.communicate()[0] for process in processes]
        return sum(map(int, outputs)) / SECONDS


def _sizes(server: PostgresServer) -> Iterator[Figure]:
    url = server.database()
    with _opened(url):
        server.execute(url, _FILL.format(count=ANSWERS, first=_first()))
        server.execute(url, _ANSWERS.format(count=ANSWERS))
        for table, what in (("calls", "a row of the ledger"), ("answers", "a verdict, one of five with a finding")):
            ((size,),) = server.execute(url, f"SELECT pg_total_relation_size('{table}')")
            yield Figure(what=f"{what}, indexes included", value=size / ANSWERS, unit="bytes")


def _large(server: PostgresServer) -> Iterator[Figure]:
    """Yield what a ledger of a million rows makes slower."""
    url = server.database()
    with _opened(url) as one:
        empty = _median_of_a_reservation(one)
        server.execute(url, _FILL.format(count=MANY, first=_first()))
        server.execute(url, "ANALYZE")
        full = _median_of_a_reservation(one)
        how = f"{full * 1000:.2f} ms / {empty * 1000:.2f} ms"
        yield Figure(
            what="a reservation with a million calls in the month, to none", value=full / empty, at_most=2, how=how
        )
        started = time.monotonic()
        statement(one.state)
        taken = (time.monotonic() - started) * 1000
        yield Figure(what="`cost` over a million calls", value=taken, unit="ms")


def _median_of_a_reservation(one: Machine) -> float:
    times = []
    for _ in range(200):
        started = time.monotonic()
        one.reserve("0.01")
        times.append(time.monotonic() - started)
    return statistics.median(times)


def _first() -> str:
    """Return the first day of this month."""
    return datetime.now().astimezone().strftime("%Y-%m-01")


@contextmanager
def _opened(url: str) -> Iterator[Machine]:
    """A machine that has made the tables."""
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder, "state"), url, caps=_CAPS) as one:
        one.spend("0.01")
        yield one


@contextmanager
def _far_away(port: int) -> Iterator[int]:
    """A port that leads to ``port``, and takes its time."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:

        def accept() -> None:
            while True:
                try:
                    near, _ = server.accept()
                except OSError:
                    return
                far = socket.create_connection(("127.0.0.1", port))
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(source, sink), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


def _carry(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            time.sleep(DELAY)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
