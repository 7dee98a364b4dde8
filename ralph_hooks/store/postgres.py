"""One PostgreSQL that a team shares: reached when it is first needed, bounded in time, brought to our schema.

Nothing here needs more than a transaction from one statement to the next, so that it also works behind a pooler that
gives each transaction another connection: no session settings, no prepared statements, no session locks.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ralph_hooks.errors import ConfigError
from ralph_hooks.store.schema import POSTGRES
from ralph_hooks.store.session import DatabaseSession, Row, TeamStoreUnavailable

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

Result = TypeVar("Result")

INSTALL = "pip install 'ralph-hooks[postgres]' (or psycopg[binary], into the environment that ralph-hooks runs in)"
CONNECT = 1.0  # seconds to a connection
_PATIENCE = 5.0  # seconds for a transaction
LIMITS = (
    # In the hands of a client that was stopped, the one lock would hold up the whole team.
    "SET LOCAL idle_in_transaction_session_timeout = '3s'",
    "SET LOCAL lock_timeout = '4s'",
)
_ALONE = "SELECT pg_advisory_xact_lock(1918987376, 1)"
"""One writer at a time, as in SQLite: the spending cannot change between read and write."""
_WHICH = "SELECT max(version) FROM ralph_hooks"
_MIGRATING = "SELECT pg_advisory_xact_lock(1918987376, 2)"

_HOST = r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?"
_SHOWN = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#]*@)?(?P<place>{_HOST}(?:,{_HOST})*(?:/[A-Za-z0-9._~%-]*)?)(?:\?(?P<options>[^@#]*))?"
)
_PLACE = ("host", "hostaddr", "port", "dbname", "service")
_LOCAL = re.compile(r"|/.*|@.*|localhost|127(\.\d{1,3}){3}|::1")

_REASONS = {
    "28000": "does not allow this user to log in",
    "28P01": "rejects this user's password",
    "3D000": "has no database of that name",
    "42501": "does not give this user the rights that ralph-hooks needs: see docs/team-store.md",
    "42P07": "has another program's tables under the names that ralph-hooks uses: use a separate database",
    "53300": "has no free connection",
    "53100": "has no space left on its disk",
    "55P03": "was busy with other clients for too long",
    "57P01": "was shut down",
    "57P03": "is starting or stopping",
    "25006": "is read-only: is it a replica?",
}
"""Reasons by SQLSTATE. The server's own message may hold a user's name."""


def shown(url: str) -> str:
    """Return host and database of ``url`` alone, for people: never a user, a password, an option."""
    found = _SHOWN.fullmatch(url)
    return f"postgresql://{found['place']}" if found else "a PostgreSQL"


def name(url: str) -> str:
    """Return a digest that identifies the database at ``url``, independent of user and password."""
    found = _SHOWN.fullmatch(url)
    options = (found["options"] or "").split("&") if found else [url]
    place = [option for option in options if option.partition("=")[0] in _PLACE or not found]
    return hashlib.blake2b("&".join([shown(url), *sorted(place)]).encode(), digest_size=8).hexdigest()


class Postgres:
    """One connection behind a lock, as in `sqlite.Database`. Raises TeamStoreUnavailable for any fault of the server.

    Raises ConfigError if only the user can help: no driver, or a URL that is none.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.RLock()
        self._connection: psycopg.Connection | None = None

    @property
    def connected(self) -> bool:
        """True if there is a connection, so that using it costs no new one."""
        return self._connection is not None

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a SELECT, in one round trip."""
        return self._attempt(lambda connection: _rows(connection, sql, parameters))

    def transact(self, work: Callable[[DatabaseSession], Result]) -> Result:
        """Return the result of ``work``; all it wrote is kept, or nothing if it raises. It may be called twice.

        No other client writes meanwhile. Takes one round trip, and one more where ``work`` asks for rows.
        """

        def alone(connection: psycopg.Connection) -> Result:
            with _transaction(connection) as session:
                session.execute(_ALONE)
                return work(session)

        return self._attempt(alone)

    def version(self) -> tuple[str, int]:
        """Return the server's own version, and that of the schema."""
        ((server,),) = self.query("SELECT split_part(current_setting('server_version'), ' ', 1)")
        ((schema,),) = self.query(_WHICH)
        return server, schema

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _attempt(self, work: Callable[[psycopg.Connection], Result]) -> Result:
        """Run ``work`` with the connection; retry with a new one if the old one was lost while idle."""
        psycopg = _driver()
        with self._lock:
            kept = self._connection is not None
            try:
                try:
                    return self._run(work)
                except psycopg.OperationalError:
                    if not kept or self._connection is None or not self._connection.broken:
                        raise
                    self.close()
                    return self._run(work)
            except psycopg.Error as error:
                self.close()
                raise _away(error) from None  # its text may hold confidential values
            except TeamStoreUnavailable:
                self.close()
                raise

    def _run(self, work: Callable[[psycopg.Connection], Result]) -> Result:
        if self._connection is None:
            self._connection = self._connect()
            self._migrate(self._connection)
        return work(self._connection)

    def _connect(self) -> psycopg.Connection:
        import psycopg

        how = options(self._url)
        made: list[psycopg.Connection | BaseException] = []
        late: list[bool] = []
        turn = threading.Lock()

        def connect() -> None:
            outcome: psycopg.Connection | BaseException
            try:
                outcome = psycopg.connect(**how, autocommit=True, prepare_threshold=None)
            except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
                outcome = error
            with turn:
                if not late:
                    made.append(outcome)
                elif isinstance(outcome, psycopg.Connection):
                    outcome.close()

        # libpq counts in whole seconds, two of them at least, and not while it looks a name up.
        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        thread.join(CONNECT)
        with turn:
            if not made:
                late.append(True)
                raise TeamStoreUnavailable(f"did not answer within {CONNECT:.0f} s", silent=True)
        if isinstance(made[0], BaseException):
            raise made[0]
        return made[0]

    def _migrate(self, connection: psycopg.Connection) -> None:
        """Bring the schema up to date. Raises TeamStoreUnavailable if a newer release made it incompatible."""
        from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedTable

        try:
            version = _version(connection)
        except UndefinedTable:
            version = 0
        if POSTGRES.is_too_new(version):
            raise TeamStoreUnavailable("was set up by a newer ralph-hooks: upgrade this installation")
        if version >= POSTGRES.version:
            return
        try:
            with _transaction(connection) as session:
                session.execute(_MIGRATING)
                ((there,),) = session.execute("SELECT to_regclass('ralph_hooks') IS NOT NULL").fetchall()
                if there:  # another client may have been faster
                    ((version,),) = session.execute(_WHICH).fetchall()
                if version >= POSTGRES.version:
                    return
                for step in POSTGRES.missing(version):
                    for statement in step:
                        session.execute(statement)
                session.execute("DELETE FROM ralph_hooks")
                session.execute("INSERT INTO ralph_hooks VALUES (?)", (POSTGRES.version,))
        except (InsufficientPrivilege, InvalidSchemaName) as error:
            what = "has an older schema" if version else "has no tables of ralph-hooks"
            raise TeamStoreUnavailable(
                f"{what}, and this user may not create them: ask its owner to run `ralph-hooks doctor`"
            ) from error


class _Speaker:
    """A `DatabaseSession` for PostgreSQL."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor:
        return self._connection.execute(_translated(sql), parameters or None)


@functools.cache
def _translated(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


@contextmanager
def _transaction(connection: psycopg.Connection) -> Iterator[DatabaseSession]:
    """Run a transaction whose statements are sent together, up to one whose rows are read, and with the COMMIT."""
    from psycopg.pq import TransactionStatus

    with _Patience(connection):
        try:
            with connection.pipeline():
                session = _Speaker(connection)
                for statement in ("BEGIN", *LIMITS):
                    session.execute(statement)
                yield session
                session.execute("COMMIT")
        finally:
            if connection.info.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
                connection.execute("ROLLBACK")


def _rows(connection: psycopg.Connection, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
    with _Patience(connection):
        return _Speaker(connection).execute(sql, parameters).fetchall()


class _Patience:
    """A watchdog that disconnects from a server that does not answer: libpq would wait forever."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._hang_up)
        self._timer.daemon = True
        self.gone = False

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        with self._lock:
            over, self._connection = self._connection, None  # type: ignore[assignment] # closes no connection now
        if self.gone and error[0] is not None:
            over.close()
            raise TeamStoreUnavailable(f"did not answer within {_PATIENCE:.0f} s", silent=True)

    def _hang_up(self) -> None:
        import socket  # a commit that is known has no use for it

        with self._lock:
            if self._connection is not None:
                self.gone = True
                with suppress(OSError), socket.fromfd(self._connection.fileno(), 0, socket.SOCK_STREAM) as line:
                    line.shutdown(socket.SHUT_RDWR)


@functools.cache
def _driver() -> Any:  # noqa: ANN401 - a module
    """Return psycopg, whose import costs more than a cached commit. Raises ConfigError if it is not installed."""
    try:
        import psycopg
        from psycopg.types.numeric import NumericLoader
    except ImportError as error:
        raise ConfigError("a store on PostgreSQL needs psycopg, which is not installed", INSTALL) from error
    if not psycopg.Pipeline.is_supported():
        raise ConfigError("a store on PostgreSQL needs libpq 14 or newer, and psycopg has found an older one", INSTALL)

    import logging

    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # we report a lost connection ourselves, in one line

    class Whole(NumericLoader):
        """Sums of whole numbers are whole numbers."""

        def load(self, data: Buffer) -> int:  # type: ignore[override] # nothing here reads another kind
            return int(bytes(data))

    psycopg.adapters.register_loader("numeric", Whole)
    return psycopg


def options(url: str) -> dict[str, Any]:
    """Return how to connect: as ``url`` says.

    By TLS wherever it leads to another machine and does not say otherwise.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        how: dict[str, Any] = {**conninfo_to_dict(url)}
    except ProgrammingError:
        raise ConfigError(
            "the URL of the team's store cannot be read (it is not shown: it may hold a password)",
            "write postgresql://HOST/DATABASE, with special characters in % notation",
        ) from None
    places = (how.get(name) or os.environ.get(f"PG{name.upper()}", "") for name in ("host", "hostaddr"))
    hosts = [host for place in places for host in place.split(",")]
    if not {"sslmode", "service"} & how.keys() and not all(map(_LOCAL.fullmatch, hosts)):
        how["sslmode"] = "require"
    return how | {"connect_timeout": 2, "application_name": "ralph-hooks"}


def _version(connection: psycopg.Connection) -> int:
    ((version,),) = _rows(connection, _WHICH)
    return version or 0


def _away(error: psycopg.Error) -> TeamStoreUnavailable:
    """Return the meaning of ``error`` without its text, which may name the user."""
    text = str(error)
    state = error.sqlstate or ""
    if state in _REASONS:
        return TeamStoreUnavailable(_REASONS[state])
    for words, reason in (
        ("password", _REASONS["28P01"]),
        ("does not exist", _REASONS["3D000"]),
        ("timeout", "did not answer in time"),
        ("refused", "refuses connections"),
        ("resolve", "cannot be resolved to an address"),
        ("translate", "cannot be resolved to an address"),
        ("SSL", "does not offer trusted TLS (as sslmode in its URL requires)"),
        ("No such file", "is not running"),
        ("starting up", _REASONS["57P03"]),
        ("shutting down", _REASONS["57P03"]),
    ):
        if words in text:
            return TeamStoreUnavailable(reason, silent=words == "timeout")
    return TeamStoreUnavailable(f"answered with an error ({state})" if state else "hung up")
