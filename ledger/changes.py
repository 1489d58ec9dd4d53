"""What was recorded of some streams behind a position."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, select
from sqlalchemy.sql.schema import Table

from ledger import tables
from ledger.lives import LIVES
from measures.entry import subject_of

DOCUMENTS = "documents"
"""The subject that stands for every document."""


class Unmoved(NamedTuple):
    """What a batch stands on: it is refused when one of these streams has moved on.

    Attributes:
        streams: whose entries the decision would have to know.
        position: the last entry that it knew.
    """

    streams: tuple[str, ...]
    position: int


def has_changed(connection: Connection, subjects: Sequence[str], position: int) -> bool:
    """Tells whether one of these streams has an entry behind a position.

    Args:
        connection: where to look.
        subjects: streams; `documents` stands for every document.
        position: what the asker has already seen.
    """
    return any(
        connection.execute(query, {"position": position}).first() is not None
        for query in _changes_of(subjects)
    )


def _changes_of(subjects: Sequence[str]) -> Iterator[Select[Any]]:
    """Yields queries that find a row when a subject has an entry behind `:position`."""
    if DOCUMENTS in subjects or any(s.startswith("document:") for s in subjects):
        yield _behind(tables.documents)
    for thing, life in LIVES.items():
        ids = [subject_of(subject) for subject in subjects if subject.startswith(f"{thing}:")]
        if ids:
            yield _behind(life.table).where(life.table.c.id.in_(ids))


def _behind(table: Table) -> Select[Any]:
    return select(table.c.position).where(table.c.position > bindparam("position")).limit(1)
