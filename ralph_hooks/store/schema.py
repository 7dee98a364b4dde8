"""The tables of the two databases, and the steps that bring an older one up to date."""

from __future__ import annotations

from msgspec import Struct

_STRIDE = 100  # steps of a generation at the most


class Schema(Struct, frozen=True):
    """The migration from each version of a database to the next. Steps are only ever added at the end."""

    steps: tuple[tuple[str, ...], ...]
    """SQL statements by step."""
    generation: int = 1
    """Counts changes that older releases cannot live with. Repositories pin releases of their own, and all of them
    share one database: a release refuses a newer generation, but works with added columns and tables."""

    @property
    def version(self) -> int:
        """The number that an up-to-date database carries."""
        return self.generation * _STRIDE + len(self.steps)

    def is_too_new(self, version: int) -> bool:
        """Return True if this release cannot work with a database of ``version``."""
        return version // _STRIDE > self.generation

    def missing(self, version: int) -> tuple[tuple[str, ...], ...]:
        """Return the steps that a database of ``version`` lacks; 0 is an empty one."""
        return self.steps[max(0, version - self.generation * _STRIDE) :]


_SUMS = (
    ("calls", "({row}.remembered = 0)"), ("remembered", "{row}.remembered"), ("input_tokens", "{row}.input_tokens"),
    ("cached_input_tokens", "{row}.cached_input_tokens"), ("cache_write_tokens", "{row}.cache_write_tokens"),
    ("output_tokens", "{row}.output_tokens"), ("cost", "coalesce({row}.cost, 0)"), ("unknown", "({row}.cost IS NULL)"),
    ("estimated", "{row}.estimated"), ("seconds", "{row}.seconds"),
)  # fmt: skip
_DAY = ("day", "phase", "model", "repository", "repository_name", "command")
_ADDED = (
    f"INSERT INTO daily VALUES ({', '.join(f'NEW.{name}' for name in _DAY)},"  # noqa: S608 - constants
    f" {', '.join(term.format(row='NEW') for _, term in _SUMS)})"
    f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name, _ in _SUMS)}"
)
_TAKEN = (
    f"UPDATE daily SET {', '.join(f'{name} = {name} - ' + term.format(row='OLD') for name, term in _SUMS)}"  # noqa: S608 - constants
    f" WHERE {' AND '.join(f'{name} = OLD.{name}' for name in _DAY)}"
)
_RAN = (
    "INSERT INTO runs VALUES (NEW.run, NEW.day, NEW.repository, NEW.repository_name,"
    " NEW.command <> 'fix' AND NEW.outcome = 'ok', NEW.phase = 'implement' AND NEW.outcome = 'ok')"
    " ON CONFLICT DO UPDATE SET decided = max(decided, excluded.decided),"
    " escalated = max(escalated, excluded.escalated)"
)
_COUNTED = (
    f"INSERT INTO daily SELECT {', '.join(_DAY)},"  # noqa: S608 - constants
    f" {', '.join(f'sum({term})' for _, term in _SUMS).format(row='calls')} FROM calls GROUP BY {', '.join(_DAY)}"
)
_SEEN = (
    "INSERT INTO runs SELECT run, min(day), min(repository), min(repository_name),"
    " max(command <> 'fix' AND outcome = 'ok'), max(phase = 'implement' AND outcome = 'ok') FROM calls GROUP BY run"
)
_NEW_UID = "lower(hex(randomblob(16)))"
_MARK = (
    "INSERT INTO unshared_labels SELECT uid, 1 FROM {table} WHERE id = NEW.id"
    " ON CONFLICT (uid) DO UPDATE SET changes = changes + 1"
)
_SHARED_LABELS = tuple(
    statement
    for table in ("labels", "judgements")
    for statement in (
        f"ALTER TABLE {table} ADD COLUMN uid TEXT",  # its identifier in a team's database
        f"UPDATE {table} SET uid = {_NEW_UID}",  # noqa: S608 - constants
        f"INSERT INTO unshared_labels SELECT uid, 1 FROM {table}",  # noqa: S608 - constants
        (
            f"CREATE TRIGGER {table}_made AFTER INSERT ON {table} BEGIN"  # noqa: S608 - constants
            f" UPDATE {table} SET uid = {_NEW_UID} WHERE id = NEW.id AND uid IS NULL; {_MARK.format(table=table)}; END"
        ),
        (
            f"CREATE TRIGGER {table}_changed AFTER UPDATE ON {table} WHEN NEW.uid IS OLD.uid BEGIN"
            f" {_MARK.format(table=table)}; END"
        ),
    )
)
SQLITE = Schema(
    (
        (
            """CREATE TABLE answers (
            key TEXT PRIMARY KEY,
            value BLOB NOT NULL,
            stored REAL NOT NULL,  -- seconds since 1970
            expires REAL  -- seconds since 1970; NULL: when it is pruned
        )""",
            """CREATE TABLE calls (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,  -- seconds since 1970
            day TEXT NOT NULL,  -- the user's local date then, YYYY-MM-DD
            run TEXT NOT NULL,
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            command TEXT NOT NULL,
            phase TEXT NOT NULL,
            model TEXT NOT NULL,
            input_tokens INTEGER NOT NULL DEFAULT 0,
            cached_input_tokens INTEGER NOT NULL DEFAULT 0,
            cache_write_tokens INTEGER NOT NULL DEFAULT 0,
            output_tokens INTEGER NOT NULL DEFAULT 0,
            cost INTEGER,  -- 1e-12 US dollars; NULL: not known
            estimated INTEGER NOT NULL DEFAULT 0,  -- 1: the worst case
            outcome TEXT NOT NULL,
            seconds REAL NOT NULL DEFAULT 0,
            remembered INTEGER NOT NULL DEFAULT 0  -- answers from the store; 0: a call to a model
        )""",
            "CREATE INDEX calls_by_day ON calls (day, cost)",
            "CREATE INDEX calls_by_run ON calls (run, cost)",
            """CREATE TABLE reports (
            number INTEGER PRIMARY KEY,
            at REAL NOT NULL,  -- seconds since 1970
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            body BLOB NOT NULL  -- JSON of a core.report.Report
        )""",
            "CREATE INDEX reports_by_repository ON reports (repository, number)",
        ),
        (
            """CREATE TABLE receipts (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,  -- seconds since 1970
            repository TEXT NOT NULL,
            tree TEXT NOT NULL,
            base TEXT NOT NULL,
            settings TEXT NOT NULL,
            command TEXT NOT NULL,
            verdict TEXT NOT NULL,
            models TEXT NOT NULL,  -- one a line
            cost TEXT  -- US dollars, exact; NULL: not known
        )""",
            "CREATE INDEX receipts_by_tree ON receipts (tree)",
            "CREATE TABLE receipt_commits (oid TEXT NOT NULL, receipt INTEGER NOT NULL)",
            "CREATE INDEX receipt_commits_by_oid ON receipt_commits (oid)",
            "CREATE INDEX receipt_commits_by_receipt ON receipt_commits (receipt)",
        ),
        (
            "ALTER TABLE calls ADD COLUMN uid TEXT",  # its identifier in a team's database; NULL: local only
            "CREATE UNIQUE INDEX calls_by_uid ON calls (uid) WHERE uid IS NOT NULL",
            # Rows that a team's database does not have in their current form; removed once it has them.
            """CREATE TABLE unshared_calls (
            uid TEXT PRIMARY KEY,
            store TEXT NOT NULL,  -- a digest of which one
            changes INTEGER NOT NULL  -- counts what was changed since
        )""",
            "CREATE TABLE unshared_answers (key TEXT PRIMARY KEY, store TEXT NOT NULL, stored REAL NOT NULL)",
        ),
        (
            """CREATE TABLE IF NOT EXISTS labels (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,  -- seconds since 1970, when it was shown first
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            change TEXT NOT NULL,  -- what it was shown for first
            tree TEXT NOT NULL,  -- where it was shown last
            path TEXT NOT NULL,
            source TEXT NOT NULL,
            category TEXT NOT NULL,
            evidence TEXT NOT NULL,
            version TEXT NOT NULL,  -- of the prompt; empty for a check
            blocking INTEGER NOT NULL,
            outcome TEXT NOT NULL,  -- a core.stats.Outcome
            decided REAL  -- seconds since 1970
        )""",
            "CREATE INDEX IF NOT EXISTS labels_by_outcome ON labels (repository, outcome)",
            "CREATE INDEX IF NOT EXISTS labels_by_fingerprint ON labels (repository, fingerprint)",
            """CREATE TABLE IF NOT EXISTS judgements (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,  -- seconds since 1970
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            run TEXT NOT NULL,
            change TEXT NOT NULL,
            tree TEXT NOT NULL,
            held_back INTEGER NOT NULL,
            cost TEXT  -- US dollars, exact; NULL: not known
        )""",
            "CREATE INDEX IF NOT EXISTS judgements_by_run ON judgements (run)",
        ),
        (
            """CREATE TABLE IF NOT EXISTS daily (  -- what the calls of a day come to, kept up by triggers
            day TEXT NOT NULL,
            phase TEXT NOT NULL,
            model TEXT NOT NULL,
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            command TEXT NOT NULL,
            calls INTEGER NOT NULL,
            remembered INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            cached_input_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cost INTEGER NOT NULL,  -- 1e-12 US dollars
            unknown INTEGER NOT NULL,  -- calls of unknown cost
            estimated INTEGER NOT NULL,
            seconds REAL NOT NULL,
            PRIMARY KEY (day, phase, model, repository, repository_name, command)
        ) WITHOUT ROWID""",
            """CREATE TABLE IF NOT EXISTS runs (  -- kept up by triggers
            run TEXT PRIMARY KEY,
            day TEXT NOT NULL,
            repository TEXT NOT NULL,
            repository_name TEXT NOT NULL,
            decided INTEGER NOT NULL,  -- 1: a model judged in it, or had judged
            escalated INTEGER NOT NULL  -- 1: the implement model answered
        ) WITHOUT ROWID""",
            "DELETE FROM daily",  # counted anew from the calls that are there already
            "DELETE FROM runs",
            _COUNTED,
            _SEEN,
            f"CREATE TRIGGER IF NOT EXISTS calls_made AFTER INSERT ON calls BEGIN {_ADDED}; {_RAN}; END",
            f"CREATE TRIGGER IF NOT EXISTS calls_changed AFTER UPDATE ON calls BEGIN {_TAKEN}; {_ADDED}; {_RAN}; END",
            f"CREATE TRIGGER IF NOT EXISTS calls_gone AFTER DELETE ON calls BEGIN {_TAKEN}; END",
        ),
        (
            "ALTER TABLE labels ADD COLUMN line INTEGER NOT NULL DEFAULT 0",  # in ``tree``; 0: not recorded
            "ALTER TABLE labels ADD COLUMN end_line INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE labels ADD COLUMN removed INTEGER NOT NULL DEFAULT 0",  # 1: the lines are those of the base
            "ALTER TABLE judgements ADD COLUMN entries TEXT",  # JSON: a refused tree is in no commit; NULL: too many
        ),
        (
            # Labels and judgements that a team's database does not have in their current form.
            "CREATE TABLE IF NOT EXISTS unshared_labels (uid TEXT PRIMARY KEY, changes INTEGER NOT NULL)",
            *_SHARED_LABELS,
        ),
    )
)
"""The state of one user."""

POSTGRES = Schema(
    (
        (
            "CREATE TABLE ralph_hooks (version integer NOT NULL)",
            """CREATE TABLE answers (
            key text PRIMARY KEY,
            value bytea NOT NULL,
            stored double precision NOT NULL  -- seconds since 1970
        )""",
            "CREATE INDEX answers_by_age ON answers (stored)",
            """CREATE TABLE calls (
            uid uuid NOT NULL,  -- made by the client; begins with the time
            at double precision NOT NULL,  -- seconds since 1970
            day text NOT NULL,  -- the user's local date then, YYYY-MM-DD
            run text NOT NULL,
            repository text NOT NULL,
            repository_name text NOT NULL,
            command text NOT NULL,
            phase text NOT NULL,
            model text NOT NULL,
            input_tokens bigint NOT NULL DEFAULT 0,
            cached_input_tokens bigint NOT NULL DEFAULT 0,
            cache_write_tokens bigint NOT NULL DEFAULT 0,
            output_tokens bigint NOT NULL DEFAULT 0,
            cost bigint,  -- 1e-12 US dollars; NULL: not known
            estimated integer NOT NULL DEFAULT 0,  -- 1: the worst case
            outcome text NOT NULL,
            seconds double precision NOT NULL DEFAULT 0,
            remembered integer NOT NULL DEFAULT 0,  -- answers from the store; 0: a call to a model
            PRIMARY KEY (uid, day)  -- the day, so that the table can be divided by it: see docs/scale.md
        )""",
            "CREATE INDEX calls_by_day ON calls (day)",
            "CREATE INDEX calls_by_run ON calls (run)",
            # A budget asks for the sums of a day and of a month before every call: they are kept, not counted.
            "CREATE TABLE days (day text PRIMARY KEY, cost numeric NOT NULL)",
            # With the rights of its owner: no other role needs write access to the sums.
            """CREATE FUNCTION ralph_hooks_count() RETURNS trigger LANGUAGE plpgsql
            SECURITY DEFINER SET search_path FROM CURRENT AS $$
            BEGIN
                INSERT INTO days VALUES (coalesce(NEW.day, OLD.day), coalesce(NEW.cost, 0) - coalesce(OLD.cost, 0))
                    ON CONFLICT (day) DO UPDATE SET cost = days.cost + EXCLUDED.cost;
                RETURN NULL;
            END $$""",
            """CREATE TRIGGER ralph_hooks_count AFTER INSERT OR DELETE OR UPDATE OF cost ON calls
            FOR EACH ROW EXECUTE FUNCTION ralph_hooks_count()""",
        ),
        (
            """CREATE TABLE labels (
            uid uuid PRIMARY KEY,  -- made by the client
            at double precision NOT NULL,  -- seconds since 1970
            repository_name text NOT NULL,
            change text NOT NULL,
            source text NOT NULL,
            category text NOT NULL,
            evidence text NOT NULL,
            version text NOT NULL,
            blocking integer NOT NULL,
            outcome text NOT NULL
        )""",
            """CREATE TABLE judgements (
            uid uuid PRIMARY KEY,
            at double precision NOT NULL,
            repository_name text NOT NULL,
            change text NOT NULL,
            held_back integer NOT NULL,
            cost text  -- US dollars, exact; NULL: not known
        )""",
            # Whoever may write calls may write these.
            """DO $$ DECLARE team text; BEGIN
            FOR team IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
                WHERE table_schema = current_schema() AND table_name = 'calls' AND privilege_type = 'INSERT'
                AND grantee <> current_user
            LOOP EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON labels, judgements TO %I', team);
            END LOOP; END $$""",
        ),
    )
)
"""The store of a team."""
