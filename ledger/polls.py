"""How far each kind of object of each connection has been read, shared by all workers.

No part of the record: what is lost with it is read once more.
"""

from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, update

from ledger.chain import write_moment
from ledger.database import Database
from ledger.projection import upsert
from ledger.tables import polls

_C = polls.c


class Poll(NamedTuple):
    """How far one kind of object has been read.

    Attributes:
        cursor: where to go on; opaque.
        complete_at: when last everything was read that had changed.
        newest_at: when the newest of it had changed, by the system's clock.
        fault: why it could not be read last; empty when it could.
    """

    connection: str
    kind: str
    cursor: str
    complete_at: datetime
    newest_at: datetime | None
    fault: str


def furthest_behind(polls: Iterable[Poll], kinds: Container[tuple[str, str]]) -> dict[str, Poll]:
    """Returns for each connection the poll that was complete the longest time ago.

    Args:
        polls: how far everything has been read.
        kinds: the connections and kinds of object that count.
    """
    oldest: dict[str, Poll] = {}
    for poll in polls:
        known = oldest.get(poll.connection, poll)
        if (poll.connection, poll.kind) in kinds and poll.complete_at <= known.complete_at:
            oldest[poll.connection] = poll
    return oldest


class Polls:
    """The polls of a ledger's database; may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, connection: str, kind: str, first: str, now: datetime, lease: timedelta
    ) -> Poll | None:
        """Takes a poll that is due; None when it is not, or another has it.

        Args:
            first: the cursor to begin with.
            lease: after which another may take it.
        """
        until = write_moment(now + lease)
        its = (_C.connection == connection, _C.kind == kind)
        with self._database.writing(alone=False) as writing:
            taken = writing.execute(
                update(polls)
                .where(*its, _C.taken_until <= write_moment(now))
                .values(taken_until=until)
                .returning(polls)
            ).first()
            if taken is None:
                if writing.execute(select(_C.kind).where(*its)).first() is not None:
                    return None
                row = {
                    "connection": connection,
                    "kind": kind,
                    "cursor": first,
                    "complete_at": write_moment(now),
                    "newest_at": None,
                    "taken_until": until,
                    "fault": "",
                }
                writing.execute(upsert(polls, writing.dialect.name), [row])
                taken = writing.execute(select(polls).where(*its)).one()
        return _poll(taken)

    def advance(self, poll: Poll, cursor: str, newest_at: datetime | None, until: datetime) -> None:
        """Notes that everything up to a cursor is in the inbox; others wait on until a moment."""
        newest = max(filter(None, (poll.newest_at, newest_at)), default=None)
        self._set(
            poll,
            cursor=cursor,
            newest_at=write_moment(newest) if newest else None,
            taken_until=write_moment(until),
        )

    def complete(self, poll: Poll, at: datetime, again_at: datetime) -> None:
        """Notes that everything was read that had changed until a moment."""
        moments = {"complete_at": write_moment(at), "taken_until": write_moment(again_at)}
        self._set(poll, **moments, fault="")

    def fail(self, poll: Poll, why: str, again_at: datetime) -> None:
        """Notes that it could not be read."""
        self._set(poll, taken_until=write_moment(again_at), fault=why[:1000])

    def all(self) -> list[Poll]:
        """Returns how far everything has been read."""
        with self._database.reading() as reading:
            rows = reading.execute(select(polls).order_by(_C.connection, _C.kind)).all()
        return [_poll(row) for row in rows]

    def _set(self, poll: Poll, **values: str | None) -> None:
        its = (_C.connection == poll.connection, _C.kind == poll.kind)
        with self._database.writing(alone=False) as writing:
            writing.execute(update(polls).where(*its).values(**values))


def _poll(row: object) -> Poll:
    values = row._asdict()  # type: ignore[attr-defined]
    newest = values["newest_at"]
    return Poll(
        values["connection"],
        values["kind"],
        values["cursor"],
        datetime.fromisoformat(values["complete_at"]),
        None if newest is None else datetime.fromisoformat(newest),
        values["fault"],
    )
