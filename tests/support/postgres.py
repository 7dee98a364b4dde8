"""A real PostgreSQL on loopback, of this test session alone; it can be stopped and started in the middle of a test."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.ports import free_port

if TYPE_CHECKING:
    import psycopg

PLACES = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin")
"""Folders where Debian and Homebrew keep the server's programs, off PATH."""
SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 80
log_min_messages = fatal
"""
QUICK = "fsync = off\nfull_page_writes = off\nautovacuum = off\n"
"""For a server whose machine will not crash."""
POOL = """\
[databases]
postgres = host=127.0.0.1 port={server} dbname=postgres user=owner pool_size={size}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 100
"""
ACCESS = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_START = 20  # seconds


def binaries() -> Path | None:
    """Return the folder with `initdb`, `pg_ctl` and `postgres`; the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = [folder for place in PLACES for folder in Path("/").glob(place) if (folder / "initdb").exists()]
    return max(found, key=lambda folder: [int(part) for part in folder.parts if part.isdigit()], default=None)


def pooler() -> Path | None:
    """Return the folder with `pgbouncer`, which Debian keeps where only root looks."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    return Path(found).parent if found else None


class PostgresServer:
    """Stopped at first. ``url`` leads to a database as its owner, who needs no password."""

    def __init__(self, programs: Path, folder: Path, user: str | None, settings: str) -> None:
        self._programs = programs
        self._user = user
        self._data = folder / "data"
        self.port = free_port()
        self._run("initdb", "-D", self._data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        (self._data / "postgresql.conf").write_text(f"{SETTINGS}{settings}port = {self.port}\n", encoding="utf-8")
        (self._data / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")

    def start(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-t", _START, "-l", self._data / "log", "start")

    def stop(self) -> None:
        """Stop at once, as by a crash: open connections are cut off."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Away for the time of a block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def encrypted(self) -> Iterator[Path]:
        """It offers TLS for the time of a block; the file with the authority that vouches for it."""
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        files = [self._data / name for name in ("server.crt", "server.key", "authority.pem")]
        issued.cert_chain_pems[0].write_to_path(files[0])
        issued.private_key_pem.write_to_path(files[1])
        authority.cert_pem.write_to_path(files[2])
        files[1].chmod(0o600)
        if self._user:
            for file in files:
                shutil.chown(file, self._user)
        self._set("ssl = on")
        try:
            yield files[2]
        finally:
            self._set("ssl = off")

    def _set(self, setting: str) -> None:
        """Change a setting while it runs."""
        self.execute(self.url(), f"ALTER SYSTEM SET {setting}")
        self.execute(self.url(), "SELECT pg_reload_conf()")
        name, _, value = setting.partition(" = ")
        end = time.monotonic() + _START
        while self.execute(self.url(), f"SHOW {name}") != [(value,)]:
            assert time.monotonic() < end

    def database(self) -> str:
        """Return the URL of the database, empty again: to make another takes ten times as long."""
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        self.execute(self.url(), f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        self.execute(
            self.url(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC"
        )
        return self.url()

    def url(self, database: str = "postgres", user: str = "owner", password: str = "") -> str:
        credentials = f"{user}:{password}" if password else user
        return f"postgresql://{credentials}@127.0.0.1:{self.port}/{database}"

    def execute(self, url: str, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of ``sql``, which may be several statements, run as the owner of the server."""
        with self.connected(url) as connection:
            found = connection.execute(sql.encode())
            return found.fetchall() if found.description else []

    def connected(self, url: str) -> psycopg.Connection:
        """Return an ordinary client; each statement is a transaction."""
        import psycopg  # for the tests alone that want a server

        return psycopg.connect(url, autocommit=True)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        subprocess.run(
            command,
            user=self._user,
            cwd=self._data.parent,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def pooled(server: PostgresServer, programs: Path, size: int) -> Iterator[str]:
    """The URL of a PgBouncer before ``server``: each transaction gets whichever of ``size`` connections is free."""
    port = free_port()
    user = _stand_in() if _is_root() else None
    with tempfile.TemporaryDirectory(prefix="ralph-pool-") as folder:
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(POOL.format(port=port, server=server.port, size=size), encoding="utf-8")
        if user:
            shutil.chown(folder, user)
        command = [str(programs / "pgbouncer"), "--quiet", str(settings)]
        with subprocess.Popen(command, user=user, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                yield server.url().replace(f":{server.port}/", f":{port}/")
            finally:
                process.kill()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.01)
        else:
            return


@contextmanager
def postgres_server(programs: Path, settings: str = QUICK) -> Iterator[PostgresServer]:
    """A server that runs, and is gone with all it has written at the end.

    It does not run as root, and its folder is no child of a folder that is closed to others.
    """
    user = _stand_in() if _is_root() else None
    with tempfile.TemporaryDirectory(prefix="ralph-pg-", ignore_cleanup_errors=True) as name:
        if user:
            shutil.chown(name, user)
        server = PostgresServer(programs, Path(name), user, settings)
        server.start()
        with _ended_with_us(programs / "pg_ctl", Path(name, "data"), user):
            yield server


@contextmanager
def _ended_with_us(pg_ctl: Path, data: Path, user: str | None) -> Iterator[None]:
    """Stop the server at the end, also where this process is killed: then the pipe to the one that waits is closed."""
    script = 'cat >/dev/null; exec "$0" -D "$1" -m immediate -w stop >/dev/null 2>&1'
    command = ["sh", "-c", script, str(pg_ctl), str(data)]
    with subprocess.Popen(command, user=user, cwd="/", stdin=subprocess.PIPE, start_new_session=True) as waiting:
        try:
            yield
        finally:
            assert waiting.stdin is not None
            waiting.stdin.close()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@functools.cache
def _stand_in() -> str:
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextmanager
def halted(pids: list[int]) -> Iterator[None]:
    """Processes that neither answer nor hang up."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
