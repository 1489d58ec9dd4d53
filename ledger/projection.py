"""The rows that lists and states are read from; all of it can be made anew from the entries."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, delete
from sqlalchemy.dialects import sqlite

from ledger import tables
from ledger.applied import AppliedDocument
from ledger.chain import Row, write_moment
from ledger.folding import State
from ledger.lives import LIVES, life_in, life_of
from measures.digest import canonical
from measures.entry import object_stream, subject_of
from measures.errors import LedgerError
from measures.state import MeasureState

SHOWN = (*(life.table for life in LIVES.values()), tables.documents)
"""The tables with a row for each state."""


def rows_of(state: State, position: int) -> tuple[Table, Row]:
    """Returns the row that shows a state, and the table it stands in."""
    if isinstance(state, AppliedDocument):
        return tables.documents, _document_row(state, position)
    life = life_of(state)
    return life.table, {
        "id": life.subject(state),
        **life.columns(state),
        "number": state.number,
        "position": position,
        "state": state.model_dump_json(),
    }


def state_of(table: Table, row: Mapping[str, Any]) -> State:
    """Reads a state back from its row.

    Raises:
        LedgerError: when the row is damaged.
    """
    try:
        if table is tables.documents:
            return _document(row)
        return life_in(table).state.model_validate_json(row["state"], strict=False)
    except (ValueError, TypeError) as error:
        name = f"{table.name} {row['id']}"
        msg = f"the projection of {name} cannot be read; run `sluice ledger verify`"
        raise LedgerError(msg) from error


def write_states(connection: Connection, states: Iterable[tuple[State | None, State, int]]) -> None:
    """Writes the rows of states; each comes with the one before it and its last position."""
    rows: dict[Table, list[Row]] = {}
    unwatched: list[str] = []
    watched: list[Row] = []
    unlinked: list[str] = []
    linked: list[Row] = []
    for before, after, position in states:
        table, row = rows_of(after, position)
        rows.setdefault(table, []).append(row)
        if not isinstance(after, MeasureState):
            continue
        watches_before = before.watches if isinstance(before, MeasureState) else ()
        if after.watches != watches_before:
            unwatched += [after.id] if watches_before else []
            watched += [{"stream": stream, "measure": after.id} for stream in after.watches]
        links_before = links_of(before) if isinstance(before, MeasureState) else []
        links_after = links_of(after)
        if links_after != links_before:
            unlinked += [after.id] if links_before else []
            linked += links_after
    for table, changed in rows.items():
        connection.execute(upsert(table, connection.dialect.name), changed)
    if unwatched:
        connection.execute(delete(tables.watches).where(tables.watches.c.measure.in_(unwatched)))
    if watched:
        connection.execute(upsert(tables.watches, connection.dialect.name), watched)
    if unlinked:
        connection.execute(delete(tables.links).where(tables.links.c.measure.in_(unlinked)))
    if linked:
        connection.execute(upsert(tables.links, connection.dialect.name), linked)


def clear(connection: Connection) -> None:
    """Throws the projections away."""
    for table in (*SHOWN, tables.watches, tables.links):
        connection.execute(delete(table))


def links_of(state: MeasureState) -> list[Row]:
    """Returns what a measure waits for in other systems; nothing once it has ended."""
    return [
        {
            "connection": one.connection,
            "kind": one.object,
            "ref": one.ref,
            "measure": state.id,
            "object": subject_of(object_stream(one.connection, one.object, one.ref)),
        }
        for one in state.plan.links
        if not state.ended
    ]


def _document(row: Mapping[str, Any]) -> AppliedDocument:
    return AppliedDocument(
        kind=row["kind"],
        id=row["id"],
        version=row["version"],
        digest=row["digest"],
        body=json.loads(row["body"]),
        applied_at=datetime.fromisoformat(row["applied_at"]),
        applied_by=row["applied_by"],
    )


def _document_row(state: AppliedDocument, position: int) -> Row:
    return {
        "kind": state.kind,
        "id": state.id,
        "version": state.version,
        "digest": state.digest,
        "body": canonical(state.body).decode(),
        "applied_at": write_moment(state.applied_at),
        "applied_by": state.applied_by,
        "position": position,
    }


@cache
def upsert(table: Table, dialect: str) -> Insert:
    """Returns what inserts rows, or sets all but their key where they are there already."""
    if dialect == "postgresql":
        # Loaded here: it is large, and a ledger in a file never needs it.
        from sqlalchemy.dialects import postgresql

        insert: postgresql.Insert | sqlite.Insert = postgresql.insert(table)
    else:
        insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    others = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
    if not others:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_=others)
