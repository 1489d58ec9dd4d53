"""The inbox: news from connected systems until somebody has acted on it, and for a while after.

News is only a hint: which object of which connection may have changed. Each delivery has a name,
and one that came before is not taken again while it is remembered. Who takes news holds it for a
while only, so what a dead worker held is taken by another: each is acted on at least once.

It is no part of the record: nothing here is hash-linked, and nothing is lost with it that a poll
does not find again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Insert, delete, func, select, update
from sqlalchemy.dialects import sqlite

from ledger.chain import write_moment
from ledger.database import Database
from ledger.tables import inbox

MEMORY = timedelta(days=8)
"""How long a delivery is remembered after it was acted on; senders repeat for days."""

_AT_ONCE = 500
_C = inbox.c


class News(NamedTuple):
    """That an object may have changed.

    Attributes:
        delivery: what makes it the same news when it comes again.
        version: what the object showed then; empty where that is not known.
        changed_at: when the object changed by its system's clock, where that is known.
    """

    connection: str
    kind: str
    ref: str
    delivery: str
    version: str = ""
    changed_at: datetime | None = None


class Taken(NamedTuple):
    """News that somebody holds.

    Attributes:
        tries: how often it was taken, this time included.
    """

    id: int
    news: News
    received_at: datetime
    tries: int


class Waiting(NamedTuple):
    """What waits of one connection.

    Attributes:
        oldest: when the oldest of it came.
        fault: why the one that was tried most often is still there; empty when none was tried.
    """

    connection: str
    many: int
    oldest: datetime
    fault: str


class Inbox:
    """The inbox of a ledger's database; may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, news: Sequence[News], now: datetime) -> set[tuple[str, str]]:
        """Keeps news, all or none; returns the connection and delivery of what is new.

        Raises:
            LedgerError: the database does not do it; then nothing is kept.
        """
        at = write_moment(now)
        rows = [
            {
                **one._asdict(),
                "changed_at": write_moment(one.changed_at) if one.changed_at else None,
                "received_at": at,
                "due_at": at,
                "tries": 0,
                "fault": "",
            }
            # In one order everywhere, or two who put the same would wait for each other.
            for one in sorted(news, key=lambda one: (one.connection, one.delivery))
        ]
        new: set[tuple[str, str]] = set()
        with self._database.writing(alone=False) as connection:
            for first in range(0, len(rows), _AT_ONCE):
                kept = connection.execute(_keep(connection, rows[first:][:_AT_ONCE]))
                new.update((row.connection, row.delivery) for row in kept)
        return new

    def take(self, now: datetime, lease: timedelta, limit: int) -> list[Taken]:
        """Takes the news that is due, the oldest first; others may have it again after the lease.

        Raises:
            LedgerError: the database does not do it.
        """
        is_due = select(_C.id).where(_C.done_at.is_(None), _C.due_at <= write_moment(now))
        with self._database.reading() as connection:
            if connection.execute(is_due.limit(1)).first() is None:
                return []  # looking costs no writer anything
        oldest = is_due.order_by(_C.due_at, _C.id).limit(limit).with_for_update(skip_locked=True)
        with self._database.writing(alone=False) as connection:
            ids = connection.execute(oldest).scalars().all()
            if not ids:
                return []
            taken = (
                update(inbox)
                .where(_C.id.in_(ids))
                .values(due_at=write_moment(now + lease), tries=_C.tries + 1)
                .returning(inbox)
            )
            rows = connection.execute(taken).all()
        return sorted(
            Taken(
                row.id,
                News(
                    row.connection,
                    row.kind,
                    row.ref,
                    row.delivery,
                    row.version,
                    _moment(row.changed_at),
                ),
                datetime.fromisoformat(row.received_at),
                row.tries,
            )
            for row in rows
        )

    def finish(self, ids: Iterable[int], now: datetime) -> None:
        """Notes that news was acted on."""
        self._set(ids, done_at=write_moment(now), fault="")

    def postpone(self, ids: Iterable[int], until: datetime, fault: str) -> None:
        """Leaves news for later, with the reason."""
        self._set(ids, due_at=write_moment(until), fault=fault[:1000])

    def hurry(self, connection: str, now: datetime) -> None:
        """Makes due now what was left for later because its system did not answer."""
        waits = (_C.connection == connection, _C.done_at.is_(None), _C.fault != "")
        with self._database.writing(alone=False) as writing:
            writing.execute(update(inbox).where(*waits).values(due_at=write_moment(now)))

    def prune(self, now: datetime) -> int:
        """Forgets what was acted on long ago; returns how much."""
        old = delete(inbox).where(_C.done_at < write_moment(now - MEMORY))
        with self._database.writing(alone=False) as connection:
            return connection.execute(old).rowcount

    def backlog(self, connection: str) -> int:
        """Counts what waits of a connection."""
        waits = select(func.count()).where(_C.connection == connection, _C.done_at.is_(None))
        with self._database.reading() as reading:
            return reading.execute(waits).scalar() or 0

    def waiting(self) -> list[Waiting]:
        """Returns what waits, by connection."""
        counted = (
            select(_C.connection, func.count(), func.min(_C.received_at))
            .where(_C.done_at.is_(None))
            .group_by(_C.connection)
            .order_by(_C.connection)
        )
        worst = (
            select(_C.fault)
            .where(_C.done_at.is_(None), _C.fault != "")
            .order_by(_C.tries.desc(), _C.id)
            .limit(1)
        )
        with self._database.reading(snapshot=True) as reading:
            return [
                Waiting(
                    name,
                    many,
                    datetime.fromisoformat(oldest),
                    reading.execute(worst.where(_C.connection == name)).scalar() or "",
                )
                for name, many, oldest in reading.execute(counted).all()
            ]

    def _set(self, ids: Iterable[int], **values: str) -> None:
        chosen = list(ids)
        if not chosen:
            return
        with self._database.writing(alone=False) as connection:
            connection.execute(update(inbox).where(_C.id.in_(chosen)).values(**values))


def _keep(connection: Connection, rows: Sequence[dict[str, object]]) -> Insert:
    """Returns what inserts those rows whose delivery is not there yet, and tells which."""
    keys = ["connection", "delivery"]
    # Only the newest of two in one batch counts, and nobody can insert the same row twice.
    unique = list({(row["connection"], row["delivery"]): row for row in rows}.values())
    if connection.dialect.name == "postgresql":
        # Loaded here: it is large, and a ledger in a file never needs it.
        from sqlalchemy.dialects import postgresql

        return (
            postgresql.insert(inbox)
            .values(unique)
            .on_conflict_do_nothing(index_elements=keys)
            .returning(_C.connection, _C.delivery)
        )
    return (
        sqlite.insert(inbox)
        .values(unique)
        .on_conflict_do_nothing(index_elements=keys)
        .returning(_C.connection, _C.delivery)
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
