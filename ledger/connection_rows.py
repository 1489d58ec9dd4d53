"""How connected systems fare: one row per connection, shared by all workers and commands.

It is operational, not part of the record: nothing is decided by it that the ledger must prove, and
a ledger whose rows are lost begins with closed circuits.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger import tables
from ledger.chain import write_moment
from ledger.database import Database
from measures.circuit import ConnectionState
from measures.model import restore

Decide = Callable[[ConnectionState], ConnectionState]
"""Returns what a state becomes; the same state where nothing changes."""


_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Change(NamedTuple):
    """What a connection was and what it became."""

    before: ConnectionState
    after: ConnectionState


class ConnectionRows:
    """The rows of one ledger's database.

    Args:
        database: where.
        writing: whoever writes in this process holds it; the others wait here, not at the database.
    """

    def __init__(self, database: Database, writing: threading.Lock) -> None:
        self._database = database
        self._writing = writing

    def all(self) -> dict[str, ConnectionState]:
        """Returns the connections that were ever called, by id."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.connections)).mappings()
            return {row["id"]: restore(ConnectionState, dict(row)) for row in rows}

    def change(self, name: str, decide: Decide) -> Change:
        """Changes a connection's state; nobody else changes it in between.

        Args:
            name: the connection.
            decide: called once, with the state as it is; a new one where there was none.

        Raises:
            LedgerError: when the database does not do it; then nothing is changed.
        """
        with self._writing, self._database.writing(alone=False) as connection:
            before = _read(connection, name) or _begun(connection, name)
            after = decide(before)
            if after != before:
                row, was = _row(after), _row(before)
                connection.execute(
                    update(tables.connections).where(tables.connections.c.id == name),
                    {column: value for column, value in row.items() if value != was[column]},
                )
        return Change(before, after)


def _begun(connection: Connection, name: str) -> ConnectionState:
    """Begins a row, unless another writer is just doing that: then that one counts."""
    insert = _INSERT[connection.dialect.name](tables.connections)
    connection.execute(insert.on_conflict_do_nothing(), _row(ConnectionState(id=name)))
    begun = _read(connection, name)
    assert begun is not None, "it is there now, whoever wrote it"
    return begun


def _read(connection: Connection, name: str) -> ConnectionState | None:
    # Locked where writers run side by side; SQLite lets one write at a time, and knows no locks.
    query = select(tables.connections).where(tables.connections.c.id == name).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else restore(ConnectionState, dict(row))


def _row(state: ConnectionState) -> dict[str, Any]:
    return {
        name: write_moment(value) if isinstance(value, datetime) else value
        for name, value in state.model_dump().items()
    }
