"""Reading the record itself: entries, in the order of their positions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from ledger import tables
from ledger.chain import Row, write_moment
from ledger.changes import has_changed
from ledger.database import Database
from ledger.folding import entry_of
from ledger.turn import StateCache
from measures.entry import (
    Entry,
)

_PAGE = 500
LAST = select(func.max(tables.entries.c.position))


class EntryReader:
    """Reads entries.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states = StateCache()

    def position(self) -> int:
        """Returns the position of the last entry; 0 when there is none."""
        with self._database.reading() as connection:
            return connection.execute(LAST).scalar() or 0

    def entries(
        self,
        stream: str | None = None,
        *,
        after: int = 0,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """Yields entries in the order of their positions, page by page.

        Args:
            stream: only this stream.
            after: only those behind this position.
            kinds: only these kinds.
            since: only those decided at or after this moment.
            limit: at most so many.
        """
        table = tables.entries.c
        query = select(tables.entries)
        if stream is not None:
            query = query.where(table.stream == stream)
        if kinds is not None:
            query = query.where(table.kind.in_(list(kinds)))
        if since is not None:
            query = query.where(table.at >= write_moment(since))
        yield from map(entry_of, self.rows(query, after=after, limit=limit))

    def count(self, kinds: Iterable[str], since: datetime | None = None) -> int:
        """Counts the entries of these kinds, of all times or decided at or after a moment."""
        table = tables.entries.c
        query = select(func.count()).where(table.kind.in_(list(kinds)))
        if since is not None:
            query = query.where(table.at >= write_moment(since))
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def changed_since(self, subjects: Sequence[str], position: int) -> bool:
        """Tells whether one of these streams has an entry behind a position.

        Args:
            subjects: streams; `documents` stands for every document.
            position: what the asker has already seen.
        """
        with self._database.reading() as connection:
            if position >= (connection.execute(LAST).scalar() or 0):
                return False  # nothing at all was written since, which is how it mostly is
            return has_changed(connection, subjects, position)

    def rows(
        self, query: Select[Any], *, after: int = 0, limit: int | None = None
    ) -> Iterator[Row]:
        """Yields entries as they are stored, in the order of their positions, page by page.

        Pages rather than one long read: a slow reader must not keep the database from tidying.
        """
        position = tables.entries.c.position
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._database.reading() as connection:
                page = query.where(position > after).order_by(position).limit(size)
                rows = [dict(row) for row in connection.execute(page).mappings()]
            yield from rows
            if len(rows) < size:
                return
            after = rows[-1]["position"]
            left = None if left is None else left - len(rows)
