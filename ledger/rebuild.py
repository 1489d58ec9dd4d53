"""Makes the projections anew from the entries, stream by stream."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby

from sqlalchemy import Connection, select

from ledger import tables
from ledger.chain import Row
from ledger.database import Database
from ledger.projection import State, clear, entry_of, fold, folded_with, mark, write_states
from measures.errors import LedgerError, LedgerTamperedError

_AT_ONCE = 200


def refold_if_outdated(database: Database) -> None:
    """Makes the projections anew when other code than this made them."""
    with database.reading() as connection:
        if _made_with(connection) == folded_with():
            return
    with database.writing() as connection:
        if _made_with(connection) != folded_with():  # nobody else did it while we waited
            _refold(connection)


def refold_projections(database: Database) -> None:
    """Throws every projection away and makes it anew."""
    with database.writing() as connection:
        _refold(connection)


@contextmanager
def streams(connection: Connection) -> Iterator[Iterator[tuple[str, Iterator[Row]]]]:
    """Opens each stream with its entries in order, so that one state at a time is in memory."""
    table = tables.entries
    query = select(table).order_by(table.c.stream, table.c.number)
    with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as found:
        yield groupby(map(dict, found.mappings()), key=lambda row: str(row["stream"]))


def refold(state: State | None, row: Row) -> State:
    """Returns the state after one more recorded entry.

    Raises:
        LedgerTamperedError: when it cannot follow; such an entry was never recorded.
    """
    entry = entry_of(row)
    try:
        return fold(state, entry)
    except LedgerError as error:
        raise LedgerTamperedError(row["position"], str(error)) from error


def _refold(connection: Connection) -> None:
    clear(connection)
    pending: list[tuple[State | None, State, int]] = []
    with streams(connection) as lives:
        for _, rows in lives:
            state: State | None = None
            position = 0
            for row in rows:
                position, state = row["position"], refold(state, row)
            assert state is not None
            pending.append((None, state, position))
            if len(pending) == _AT_ONCE:
                write_states(connection, pending)
                pending.clear()
    if pending:
        write_states(connection, pending)
    mark(connection)


def _made_with(connection: Connection) -> str | None:
    query = select(tables.marks.c.value).where(tables.marks.c.name == "folded_with")
    return connection.execute(query).scalar()
