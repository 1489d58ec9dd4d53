"""The database under the ledger: SQLite or PostgreSQL by URL, one writer at a time.

The entries form one chain, so two writers must never stand at the same place. SQLite takes its
write lock at BEGIN IMMEDIATE, behind a turnstile that keeps the order, PostgreSQL an advisory lock
for the transaction; whoever comes second waits there, not half-way through.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.settings import without_password
from ledger.turnstile import Turnstile
from measures.errors import ConfigurationError, LedgerError

SQLITE_PATIENCE = 5.0
"""Seconds to wait for another process that writes; `?timeout=` in the URL says otherwise."""

_POSTGRES_PATIENCE = "10s"
_WRITER_LOCK = 0x51_0C_E6_A7_E0  # names the ledger's lock among a database's advisory locks
_CONNECT_SECONDS = "5"


class LedgerDamagedError(LedgerError):
    """The database file cannot be read as one; what it says where, nobody can tell."""


class Database:
    """An engine whose transactions read a snapshot or write alone."""

    def __init__(self, url: str) -> None:
        """Prepares the engine; nothing is connected yet.

        Raises:
            ConfigurationError: when the URL is none for SQLite or PostgreSQL.
        """
        self.place = without_password(url)
        parsed = _parse(url, self.place)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._file = Path(parsed.database or "")
        self._turnstile: Turnstile | None = None
        self.engine = self._sqlite(parsed) if self.is_sqlite else _postgres(parsed)
        # A SQLite transaction always sees one moment; a statement alone needs none, and most
        # reads are one statement, which BEGIN and COMMIT would make a third dearer.
        self._snapshot = (
            {"begin": "BEGIN"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        )

    def make_room(self) -> None:
        """Makes the folder that a SQLite file will lie in.

        Raises:
            ConfigurationError: when it cannot be made.
        """
        if self.is_sqlite:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                msg = f"ledger {self.place}: its folder cannot be made: {error.strerror}"
                raise ConfigurationError(msg) from error

    @property
    def has_file(self) -> bool:
        """Tells whether there is something to connect to; looking makes no file."""
        return not self.is_sqlite or self._file.is_file()

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextmanager
    def writing(self, *, alone: bool = True) -> Iterator[Connection]:
        """A transaction that no other writer of this ledger runs beside.

        Args:
            alone: whether it adds to the record; what is kept beside that needs no chain, and
                where the database can, its writers do not wait for each other.

        Raises:
            LedgerError: when the database does not do it; then nothing of it is written.
        """
        with self._explained(), self._begun() as connection:
            if alone and not self.is_sqlite:
                # A writer that is frozen while it holds the lock must not hold up the others
                # for ever, hence the second setting; one round trip for both.
                connection.execute(
                    text(
                        "SELECT pg_advisory_xact_lock(:lock), set_config("
                        "'idle_in_transaction_session_timeout', '30s', true)"
                    ),
                    {"lock": _WRITER_LOCK},
                )
            yield connection

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A transaction that has begun to write; SQLite's after those who came before."""
        if self._turnstile is None:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._turnstile.alone(), self.engine.connect() as connection:
            connection = connection.execution_options(begin="BEGIN IMMEDIATE")
            with self._turnstile.waiting():
                transaction = connection.begin()
            with transaction:
                yield connection

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """A connection for reading; with `snapshot` every statement sees the same moment.

        Raises:
            LedgerError: when the database does not answer.
        """
        with self._explained(), self.engine.connect() as connection:
            if snapshot:
                connection = connection.execution_options(**self._snapshot)
            with connection.begin():
                yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what the driver says into a `LedgerError` that shows no statement or password."""
        try:
            yield
        except DBAPIError as error:
            kind = LedgerDamagedError if _is_damage(error.orig) else LedgerError
            raise kind(f"ledger {self.place}: {_explain(error.orig)}") from error
        except PoolTimeoutError as error:
            msg = f"ledger {self.place}: every connection has been busy for too long; ask again"
            raise LedgerError(msg) from error
        except SQLAlchemyError as error:
            msg = f"ledger {self.place}: {type(error).__name__}: {error}"
            raise LedgerError(msg) from error

    def _sqlite(self, url: URL) -> Engine:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            msg = f"ledger {self.place}: a record needs a file, like sqlite:///.sluice/ledger.db"
            raise ConfigurationError(msg)
        options = dict(url.query)
        level = str(options.pop("synchronous", "NORMAL")).upper()
        patience = str(options.pop("timeout", SQLITE_PATIENCE))
        known = {"NORMAL", "FULL", "EXTRA"}
        if level not in known or options or not _is_number(patience):
            msg = (
                f"ledger {self.place}: the options are synchronous={'|'.join(sorted(known))}"
                " and timeout=SECONDS"
            )
            raise ConfigurationError(msg)
        self._turnstile = Turnstile(Path(f"{url.database}-turn"), float(patience))
        engine = create_engine(
            url.set(query={}),
            connect_args={"timeout": float(patience)},
            pool_size=8,
            max_overflow=8,
        )

        @event.listens_for(engine, "connect")
        def _set_up(connection: sqlite3.Connection, _: Any) -> None:
            # The driver's own transactions begin late and without the write lock; ours are said.
            connection.isolation_level = None
            _use_wal(connection, float(patience))
            connection.execute(f"PRAGMA synchronous={level}")
            connection.execute("PRAGMA foreign_keys=ON")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            how = connection.get_execution_options().get("begin")
            if how is not None:
                connection.exec_driver_sql(how)

        return engine


def _parse(url: str, place: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        msg = f"ledger {place}: write sqlite:///path or postgresql://user@host/database"
        raise ConfigurationError(msg) from error
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        msg = f"ledger {place}: {parsed.drivername} is not known; use sqlite:// or postgresql://"
        raise ConfigurationError(msg)
    return parsed


def _postgres(url: URL) -> Engine:
    defaults = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "sluice-ledger",
        "options": f"-c lock_timeout={_POSTGRES_PATIENCE}",
        # A server that is cut off rather than stopped never answers; its writer must not hang.
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "15000",
    }
    return create_engine(
        url.update_query_dict({k: v for k, v in defaults.items() if k not in url.query}),
        # A connection that died while it lay in the pool is replaced before it is used.
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
    )


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Lets readers go on while one writes.

    The first switch of a new file needs it alone and does not wait by itself, so several
    processes that start together have to try again.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _is_damage(error: BaseException | None) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the driver's own complaint: text that is no text
        return "UTF-8" in str(error)
    return (
        code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        or code == sqlite3.SQLITE_IOERR_SHORT_READ
        # What every ledger of this release has, somebody has taken out.
        or str(error).startswith(("no such table", "no such column"))
    )


def _explain(error: BaseException | None) -> str:
    if _is_damage(error):
        return f"the file is damaged ({error})"
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return {
            sqlite3.SQLITE_BUSY: "another process is writing to it for too long; ask again",
            sqlite3.SQLITE_LOCKED: "another process is writing to it for too long; ask again",
            sqlite3.SQLITE_FULL: "the disk is full; make room and ask again",
            sqlite3.SQLITE_READONLY: "it is read-only; nothing can be recorded",
            sqlite3.SQLITE_IOERR: "the disk does not read or write; check it and ask again",
            sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
        }.get(code, str(error))
    return str(error) if error is None else _explain_postgres(error)


def _explain_postgres(error: BaseException) -> str:
    # Its driver takes a while to load, and a ledger in a file never needs it.
    import psycopg

    if isinstance(error, psycopg.Error):
        words = " ".join((error.diag.message_primary or str(error)).split())
        if isinstance(error, psycopg.errors.LockNotAvailable):
            return f"another process is writing to it for too long; ask again ({words})"
        if isinstance(error, psycopg.OperationalError):
            return f"the database does not answer; ask again when it is back ({words})"
        return words
    return str(error)


def _is_number(words: str) -> bool:
    try:
        return float(words) >= 0
    except ValueError:
        return False
