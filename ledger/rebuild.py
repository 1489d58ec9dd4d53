"""Makes the projections anew from the entries, stream by stream."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection, select

import measures
from ledger import applied, folding, lives, projection, tables
from ledger.chain import Row
from ledger.database import Database
from ledger.folding import State, entry_of, fold
from ledger.projection import clear, upsert, write_states
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
    connection.execute(
        upsert(tables.marks, connection.dialect.name),
        [{"name": "folded_with", "value": folded_with()}],
    )


@cache
def folded_with() -> str:
    """Names the code that folds entries; projections made by other code are made anew at open.

    The text of the modules rather than a version number by hand, and of all of `measures` rather
    than of a list: nobody has to remember to raise or to lengthen it, and a change that alters
    nothing costs one rebuild of seconds.
    """
    return hashlib.sha256(b"".join(file.read_bytes() for file in code_that_folds())).hexdigest()


def code_that_folds() -> list[Path]:
    """Returns the modules that projections depend on."""
    here = [Path(str(one.__file__)) for one in (applied, folding, lives, projection)]
    return [*sorted(Path(str(measures.__file__)).parent.rglob("*.py")), *here]


def _made_with(connection: Connection) -> str | None:
    query = select(tables.marks.c.value).where(tables.marks.c.name == "folded_with")
    return connection.execute(query).scalar()
